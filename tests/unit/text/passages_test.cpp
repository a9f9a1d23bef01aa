#include "actors/text/text.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace troupe {

namespace {

std::string_view part(std::string_view text, const passage& p) {
  return text.substr(p.begin, p.end - p.begin);
}

std::string paragraph(char letter, std::size_t bytes) {
  return std::string(bytes - 1, letter) + ".";
}

} // namespace

TEST(passages, are_cut_between_paragraphs) {
  auto text = paragraph('a', 60) + "\n\n" + paragraph('b', 60) + "\n\n" + paragraph('c', 60) + "\n";
  auto found = cut_passages(text, 130);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(part(text, found[0]), paragraph('a', 60) + "\n\n" + paragraph('b', 60));
  EXPECT_EQ(part(text, found[1]), paragraph('c', 60));
}

TEST(passages, know_their_lines) {
  std::string text = "\n\nfirst one.\nsecond line.\n\n\n" + paragraph('b', 100) + "\nend.";
  auto found = cut_passages(text, 100);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].first_line, 3u);
  EXPECT_EQ(found[0].last_line, 4u);
  EXPECT_EQ(found[1].first_line, 7u);
  EXPECT_EQ(found[1].last_line, 8u);
}

TEST(passages, keep_a_heading_with_what_follows_it) {
  auto text = paragraph('a', 90) + "\n\n2. Rules\n\n" + paragraph('b', 90);
  auto found = cut_passages(text, 110);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(part(text, found[0]), paragraph('a', 90));
  EXPECT_TRUE(part(text, found[1]).starts_with("2. Rules\n\nb"));
}

TEST(passages, keep_the_head_of_a_list_with_its_items) {
  auto text = paragraph('a', 80) + "\n\nYou must do this:\n\na) " + paragraph('b', 80);
  auto found = cut_passages(text, 105);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_TRUE(part(text, found[1]).starts_with("You must"));
}

TEST(passages, of_a_paragraph_that_is_too_long_end_at_lines_or_spaces) {
  std::string lines, words;
  for (int i = 0; i < 40; ++i)
    lines += "a line of some text\n", words += "word ";
  for (const auto* text : {&lines, &words})
    for (const auto& p : cut_passages(*text, 50)) {
      EXPECT_LE(p.end - p.begin, 100u);
      EXPECT_TRUE(part(*text, p).starts_with("a line") || part(*text, p).starts_with("word"));
    }
}

TEST(passages, lose_nothing_but_white_space_and_never_cut_inside_a_character) {
  std::string text;
  for (int i = 0; i < 500; ++i)
    text += i % 7 == 0   ? "\n\n"
            : i % 5 == 0 ? "\r\n"
            : i % 3 == 0 ? " \u00fc\u20ac"
                         : "\u4f60\u4eecabc";
  for (std::size_t aim : {1, 16, 40, 100, 1000, 100'000}) {
    std::string kept;
    std::size_t end = 0;
    for (const auto& p : cut_passages(text, aim)) {
      EXPECT_GE(p.begin, end);
      EXPECT_LE(p.end - p.begin, 2 * std::max<std::size_t>(aim, 16));
      EXPECT_NE(static_cast<unsigned char>(text[p.begin]) & 0xC0, 0x80);
      end = p.end;
      kept += part(text, p);
    }
    std::string wanted = text;
    for (auto* s : {&kept, &wanted})
      s->erase(std::remove_if(s->begin(), s->end(),
                              [](char c) { return c == ' ' || c == '\n' || c == '\r'; }),
               s->end());
    EXPECT_EQ(kept, wanted) << aim;
  }
}

TEST(passages, of_very_many_short_paragraphs_are_no_shorter_for_that) {
  for (std::string paragraph : {"a\n\n", "a name in a list\n\n", "the first:\n\n"}) {
    std::string text;
    while (text.size() < 200'000)
      text += paragraph;
    auto passages = cut_passages(text, 1'200);
    EXPECT_LE(passages.size(), text.size() / 300) << paragraph;
  }
}

TEST(passages, of_nothing_are_none) {
  EXPECT_TRUE(cut_passages("", 100).empty());
  EXPECT_TRUE(cut_passages(" \n\t\r\n ", 100).empty());
}

} // namespace troupe
