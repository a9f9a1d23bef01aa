#include "actors/text/text.hpp"
#include "config/limits/work.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace troupe {

namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (const auto& s : split_sentences(text)) {
    EXPECT_EQ(text.substr(s.begin, s.end - s.begin), s.text);
    parts.push_back(fold_space(s.text));
  }
  return parts;
}

using list = std::vector<std::string>;

} // namespace

TEST(sentences, end_at_stops_and_question_and_exclamation_marks) {
  EXPECT_EQ(split("One is here. Is two? Three! Four"),
            (list{"One is here.", "Is two?", "Three!", "Four"}));
}

TEST(sentences, keep_their_line_breaks) {
  auto found = split_sentences("A sentence that\n  is wrapped. Another one.\n");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].text, "A sentence that\n  is wrapped.");
  EXPECT_EQ(found[1].begin, 30u);
}

TEST(sentences, go_on_behind_abbreviations_and_initials) {
  EXPECT_EQ(split("Tools, e.g. Compilers, belong to Mr. Smith. He left."),
            (list{"Tools, e.g. Compilers, belong to Mr. Smith.", "He left."}));
  EXPECT_EQ(
      split("The U.S. Government and J. Hacker vs. Acme, Inc. <a@b>, met in Oct. 1995. Yes."),
      (list{"The U.S. Government and J. Hacker vs. Acme, Inc. <a@b>, met in Oct. 1995.", "Yes."}));
}

TEST(sentences, end_at_an_abbreviation_before_a_capital_letter) {
  EXPECT_EQ(split("Apples, pears etc. We like them. At 5 p.m. The bell rang."),
            (list{"Apples, pears etc.", "We like them.", "At 5 p.m.", "The bell rang."}));
}

TEST(sentences, go_on_behind_numbers_with_points_and_inside_words) {
  EXPECT_EQ(
      split("Version 2.0 costs 3.50 at example.org/x.html today. See section 6. Any work."),
      (list{"Version 2.0 costs 3.50 at example.org/x.html today.", "See section 6.", "Any work."}));
}

TEST(sentences, take_closing_quotation_marks_and_brackets_along) {
  EXPECT_EQ(split("(It is \"free.\")  Each one \u201cends.\u201d So."),
            (list{"(It is \"free.\")", "Each one \u201cends.\u201d", "So."}));
}

TEST(sentences, begin_anew_at_items_of_lists) {
  EXPECT_EQ(split("You must meet these conditions:\n\n    a) Keep the notice\n    and say so.\n\n  "
                  "  b) Go."),
            (list{"You must meet these conditions:", "a) Keep the notice and say so.", "b) Go."}));
  EXPECT_EQ(
      split(
          "provided that:\n1. Redistributions of source;\n2. In binary form.\n(iii) Neither name."),
      (list{"provided that:", "1. Redistributions of source;", "2. In binary form.",
            "(iii) Neither name."}));
  EXPECT_EQ(split("Fruit\n- apples\n- pears\n"), (list{"Fruit", "- apples", "- pears"}));
}

TEST(sentences, do_not_take_a_wrapped_number_for_an_item) {
  EXPECT_EQ(split("The terms of section\n2. These are known."),
            (list{"The terms of section 2.", "These are known."}));
  EXPECT_EQ(split("as said in\n2.1 of this text"), (list{"as said in 2.1 of this text"}));
}

TEST(sentences, keep_a_clause_number_with_its_clause) {
  EXPECT_EQ(
      split("  1. You may copy it. You may not sell it.\n\n3.1. Application. All of it."),
      (list{"1. You may copy it.", "You may not sell it.", "3.1. Application.", "All of it."}));
}

TEST(sentences, part_headings_and_rules_from_the_text) {
  EXPECT_EQ(split("The Title\n=========\ntext begins\n\n-----\n# Part two\nmore of it"),
            (list{"The Title", "text begins", "# Part two", "more of it"}));
}

TEST(sentences, read_a_box_of_asterisks_as_one_paragraph) {
  EXPECT_EQ(split("*******\n*     *\n*  Provided on an  *\n*  as-is basis.    *\n*******").size(),
            1u);
}

TEST(sentences, come_out_of_text_with_carriage_returns) {
  EXPECT_EQ(split("One line\r\nand more. Two.\r\n\r\nThree"),
            (list{"One line and more.", "Two.", "Three"}));
}

TEST(sentences, end_at_ideographic_stops) {
  EXPECT_EQ(split("\u6211\u4eec\u3002\u4f60\u4eec\uff1f"),
            (list{"\u6211\u4eec\u3002", "\u4f60\u4eec\uff1f"}));
}

TEST(sentences, do_not_come_out_of_nothing) {
  EXPECT_TRUE(split("").empty());
  EXPECT_TRUE(split(" \r\n\t \n").empty());
  EXPECT_TRUE(split("---\n***\n").empty());
}

TEST(sentences, are_bounded_and_never_cut_inside_a_character) {
  std::string huge;
  while (huge.size() < 3 * limits::sentence_bytes_max)
    huge += "\u00e4\u20ac";
  std::size_t bytes = 0;
  for (const auto& s : split_sentences(huge)) {
    EXPECT_LE(s.text.size(), limits::sentence_bytes_max);
    EXPECT_NE(static_cast<unsigned char>(s.text.front()) & 0xC0, 0x80);
    bytes += s.text.size();
  }
  EXPECT_EQ(bytes, huge.size());
}

TEST(sentences, come_out_of_any_bytes_without_loss_of_order) {
  std::string bytes;
  std::uint32_t state = 1;
  for (int i = 0; i < 100'000; ++i) {
    state = state * 1664525 + 1013904223;
    bytes += static_cast<char>(state >> 24);
  }
  std::size_t end = 0;
  for (const auto& s : split_sentences(bytes)) {
    EXPECT_GE(s.begin, end);
    EXPECT_GT(s.end, s.begin);
    end = s.end;
  }
  EXPECT_GT(end, 0u);
}

TEST(sentences, know_heads_and_markers_of_lists) {
  EXPECT_TRUE(is_list_head("one of the following: "));
  EXPECT_FALSE(is_list_head("one of them."));
  EXPECT_EQ(list_marker_length("a) text"), 3u);
  EXPECT_EQ(list_marker_length("(iv)  text"), 6u);
  EXPECT_EQ(list_marker_length("1.0.1. text"), 7u);
  EXPECT_EQ(list_marker_length("12) text"), 4u);
  EXPECT_EQ(list_marker_length("\u2022 text"), 4u);
  for (auto none :
       {"", "text", "a", "1.", "2.1 text", "2007. The", "Inc. and", "-5 degrees", "(or else) x"})
    EXPECT_EQ(list_marker_length(none), 0u) << none;
}

} // namespace troupe
