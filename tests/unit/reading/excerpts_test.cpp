#include "actors/reading/excerpts.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

excerpts many_excerpts() {
  excerpts many;
  for (int i = 0; i < 20; ++i)
    many.Add(excerpt_of("doc lines " + std::to_string(i) + "-" + std::to_string(i),
                        "filler about nothing in particular number " + std::to_string(i)));
  many[13].set_text("you may sell copies of the whale");
  return many;
}

TEST(readable_text, takes_text_as_it_is) {
  EXPECT_EQ(readable_text("plain \xc3\xa9\n"), "plain \xc3\xa9\n");
  EXPECT_EQ(readable_text(""), "");
}

TEST(readable_text, turns_latin_1_into_utf_8) {
  EXPECT_EQ(readable_text("caf\xe9 \xc3\xa9"), "caf\xc3\xa9 \xc3\xa9");
  EXPECT_EQ(readable_text("cut \xc3"), "cut \xc3\x83");
  EXPECT_EQ(readable_text("\xed\xa0\x80 a surrogate"), "\xc3\xad\xc2\xa0\xc2\x80 a surrogate");
}

TEST(readable_text, refuses_what_is_binary) {
  EXPECT_FALSE(readable_text(std::string("ELF\0\1", 5)));
  EXPECT_FALSE(readable_text("\x01\x02\x03\x04 abc"));
}

TEST(count_lines, counts_as_an_editor_does) {
  EXPECT_EQ(count_lines(""), 0u);
  EXPECT_EQ(count_lines("a"), 1u);
  EXPECT_EQ(count_lines("a\nb\n"), 2u);
}

TEST(source_label, stands_on_one_line_and_in_quotation_marks) {
  EXPECT_EQ(source_label("a \"b\"\nc", 1, 2), "a 'b' c lines 1-2");
}

TEST(best_excerpts, keeps_everything_that_fits) {
  EXPECT_EQ(best_excerpts(many_excerpts(), "whale", 1'000'000).size(), 20u);
}

TEST(best_excerpts, keeps_what_answers_in_the_order_of_the_text) {
  auto best = best_excerpts(many_excerpts(), "sell a whale", 200);
  ASSERT_FALSE(best.empty());
  std::size_t bytes = 0, found = 0;
  for (const auto& one : best) {
    bytes += one.text().size() + one.source().size();
    found += one.text().find("whale") != std::string::npos;
  }
  EXPECT_LE(bytes, 200u);
  EXPECT_EQ(found, 1u);
  EXPECT_EQ(best[0].source(), "doc lines 0-0"); // the remaining room goes to the earliest
}

TEST(says_no_answer, knows_the_reply_that_prompts_ask_for) {
  EXPECT_TRUE(says_no_answer("NO ANSWER"));
  EXPECT_TRUE(says_no_answer(" \nNO ANSWER.\n"));
  EXPECT_TRUE(says_no_answer(""));
  EXPECT_FALSE(says_no_answer("> NO ANSWER"));
}

TEST(stands_in, folds_white_space_on_both_sides) {
  excerpts shown;
  shown.Add(excerpt_of("a lines 1-1", "the  same\nwords"));
  EXPECT_TRUE(stands_in(shown, "the same words"));
  EXPECT_TRUE(stands_in(shown, "same\n words"));
  EXPECT_FALSE(stands_in(shown, "other words"));
}

TEST(show_size, is_short) {
  EXPECT_EQ(show_size(1), "1 byte");
  EXPECT_EQ(show_size(1234), "1,234 bytes");
  EXPECT_EQ(show_size(35'149), "35 kB");
  EXPECT_EQ(show_size(1'250'000), "1.3 MB");
}

} // namespace
} // namespace troupe
