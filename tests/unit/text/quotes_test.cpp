#include "actors/text/text.hpp"

#include <string>

#include <gtest/gtest.h>

namespace troupe {

TEST(fold_space, makes_one_space_of_each_run) {
  EXPECT_EQ(fold_space(" a\t\r\n b  c "), "a b c");
  EXPECT_EQ(fold_space(" \n"), "");
}

TEST(locate_quote, finds_lines_and_offsets) {
  std::string_view text = "first\nsecond line\n  goes on here.\nlast";
  auto found = locate_quote(text, "line goes on");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->first_line, 2u);
  EXPECT_EQ(found->last_line, 3u);
  EXPECT_EQ(text.substr(found->begin, found->end - found->begin), "line\n  goes on");
}

TEST(locate_quote, folds_white_space_on_both_sides) {
  auto found = locate_quote("a b\r\n\tc d", "  b   c\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->begin, 2u);
  EXPECT_EQ(found->end, 7u);
  EXPECT_EQ(found->first_line, 1u);
  EXPECT_EQ(found->last_line, 2u);
}

TEST(locate_quote, is_verbatim_otherwise) {
  EXPECT_FALSE(locate_quote("You may copy it.", "you may"));
  EXPECT_FALSE(locate_quote("You may copy it.", "may copy it!"));
  EXPECT_FALSE(locate_quote("maycopy", "may copy"));
  EXPECT_FALSE(locate_quote("text", ""));
  EXPECT_FALSE(locate_quote("text", " \n "));
  EXPECT_FALSE(locate_quote("", "text"));
}

TEST(locate_quote, finds_the_first_of_several_and_overlapping_beginnings) {
  EXPECT_EQ(locate_quote("x ab ab", "ab")->begin, 2u);
  EXPECT_EQ(locate_quote("a a a b", "a a b")->begin, 2u);
  EXPECT_EQ(locate_quote("aab aabc", "aabc")->begin, 4u);
}

TEST(locate_quote, takes_the_whole_text_and_its_end) {
  EXPECT_EQ(locate_quote("all of it", "all of it")->end, 9u);
  auto found = locate_quote("one\n\n\ntwo \xe2\x82\xac", "two \xe2\x82\xac");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->first_line, 4u);
  EXPECT_EQ(found->end, 13u);
}

TEST(locate_quote, stays_linear_on_text_that_repeats_itself) {
  std::string text(1'000'000, 'a'), quote(20'000, 'a');
  EXPECT_FALSE(locate_quote(text, quote + "b"));
  EXPECT_EQ(locate_quote(text + "b", quote + "b")->begin, 980'000u);
}

TEST(quotes_in, reads_blocks_with_their_sources) {
  auto found = quotes_in("> one\n> more\nSource: GPL-3 lines 1-2\n\nprose\n\n>two\r\n>\r\n> "
                         "three\r\n\r\nSource:  B \r\n");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].text, "one\nmore");
  EXPECT_EQ(found[0].source, "GPL-3 lines 1-2");
  EXPECT_EQ(found[1].text, "two\n\nthree");
  EXPECT_EQ(found[1].source, "B");
}

TEST(quotes_in, gives_a_source_only_to_the_block_before_it) {
  auto found = quotes_in("> one\nprose\nSource: A\n> two");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].source, "");
  EXPECT_EQ(found[1].source, "");
}

TEST(quotes_in, finds_none_in_other_answers) {
  EXPECT_TRUE(quotes_in("NO ANSWER").empty());
  EXPECT_TRUE(quotes_in("Source: A\nprose").empty());
  EXPECT_TRUE(quotes_in("").empty());
}

} // namespace troupe
