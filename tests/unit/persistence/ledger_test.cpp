#include "persistence/ledger.hpp"

#include <gtest/gtest.h>

using namespace troupe;

TEST(ledgers, notes_and_ledgers_are_read_back) {
  auto note = row_note::of(7, "a/1", "bytes");
  EXPECT_EQ(decode_note(encode(note)), note);
  ledger sum{1, 2, 0xffffffffffffffffULL, 4, 5};
  EXPECT_EQ(decode_ledger(encode(sum)), sum);
  EXPECT_EQ(decode_ledger(encode(sum).substr(0, 24)), (ledger{1, 2, 0xffffffffffffffffULL}))
      << "of the first version";
  EXPECT_EQ(encode(sum).size(), 40u) << "as before there were steps";
  sum.steps = 6;
  sum.steps_digest = 7;
  EXPECT_EQ(decode_ledger(encode(sum)), sum);
  EXPECT_FALSE(decode_note("short"));
  EXPECT_FALSE(decode_ledger(encode(note)));
  EXPECT_FALSE(decode_number("1234567"));
}

TEST(ledgers, a_note_depends_on_write_key_and_bytes) {
  auto note = row_note::of(7, "a/1", "bytes");
  EXPECT_NE(note, row_note::of(8, "a/1", "bytes"));
  EXPECT_NE(note, row_note::of(7, "a/2", "bytes"));
  EXPECT_NE(note, row_note::of(7, "a/1", "other"));
}

TEST(ledgers, the_order_of_rows_does_not_matter_and_what_is_removed_is_gone) {
  auto a = row_note::of(1, "a", "1"), b = row_note::of(2, "b", "2"), c = row_note::of(3, "a", "3");
  ledger one, two;
  one.add("a", a);
  one.add("b", b);
  two.add("b", b);
  two.add("a", a);
  EXPECT_EQ(one, two);
  two.remove("a", a);
  two.add("a", c);
  EXPECT_NE(one, two);
  EXPECT_EQ(two.rows, 2u);
}

TEST(ledgers, two_rows_that_swap_their_notes_do_not_add_up) {
  auto a = row_note::of(1, "a", "1"), b = row_note::of(2, "b", "2");
  ledger right, swapped;
  right.add("a", a);
  right.add("b", b);
  swapped.add("a", b);
  swapped.add("b", a);
  EXPECT_NE(right, swapped);
}
