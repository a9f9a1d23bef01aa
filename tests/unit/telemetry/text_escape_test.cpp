#include "telemetry/text_escape.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json_escaped(out, text);
  return out;
}

std::string terminal(std::string_view text) {
  std::string out;
  append_terminal_escaped(out, text);
  return out;
}

TEST(text_escape, makes_json_of_every_control_character) {
  EXPECT_EQ(json("a\"b\\c\n\r\t"), R"(a\"b\\c\n\r\t)");
  EXPECT_EQ(json(std::string_view{"\0\x1f\x7f", 3}), R"(\u0000\u001f\u007f)");
  EXPECT_EQ(json("ümlaut €, 🎭"), "ümlaut €, 🎭");
}

TEST(text_escape, replaces_bytes_that_are_not_utf8) {
  EXPECT_EQ(json("a\xff"
                 "b"),
            "a\uFFFDb");
  EXPECT_EQ(json("\xc3"), "\uFFFD");                     // cut off
  EXPECT_EQ(json("\xc0\xaf"), "\uFFFD\uFFFD");           // overlong
  EXPECT_EQ(json("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD"); // a surrogate
  EXPECT_EQ(json("\xf4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(valid_utf8("x\xe2\x82"), "x\uFFFD\uFFFD");
  EXPECT_EQ(valid_utf8("\n\"€"), "\n\"€");
}

TEST(text_escape, lets_no_text_command_a_terminal) {
  EXPECT_EQ(terminal("\x1b[2Jgone\r\n"), "\\x1b[2Jgone\\x0d\\n");
  EXPECT_EQ(terminal("\xc2\x9b"
                     "31m"),
            "\\x9b31m"); // CSI as one character
  EXPECT_EQ(terminal("tab\t\"quoted\""), "tab\\x09\"quoted\"");
}

TEST(text_escape, escapes_what_turns_the_writing_round_or_ends_a_line) {
  EXPECT_EQ(terminal("a\u202eb\u2066c\u2029d\u007f"), "a\\u202eb\\u2066c\\u2029d\\x7f");
  EXPECT_EQ(terminal("a\ufeffb\ufff9c"), "a\\ufeffb\\ufff9c") << "seen by nobody";
  EXPECT_EQ(json("a\u202eb"), "a\\u202eb");
  EXPECT_EQ(one_line("a\u200fb"), "a\u200fb") << "a mark that only says how to write";
}

TEST(text_escape, shows_tags_that_nobody_would_see) {
  EXPECT_EQ(terminal("a\xf3\xa0\x81\x81"
                     "b"), // U+E0041, a letter that is not shown
            "a\\U000e0041b");
  EXPECT_EQ(json("a\xf3\xa0\x81\x81"
                 "b"),
            "a\\udb40\\udc41b");
  EXPECT_EQ(terminal_text("a\xf3\xa0\x81\x81"
                          "b"),
            "a?b");
}

TEST(text_escape, keeps_the_lines_of_a_text_and_nothing_that_commands) {
  EXPECT_EQ(terminal_text("one\ttwo\r\nthree\n"), "one\ttwo\nthree\n");
  EXPECT_EQ(terminal_text("a\x1b[31mb\u009b2Jc\u202ed\re\x7f"), "a?[31mb?2Jc?d?e?");
  EXPECT_EQ(terminal_text("a\xff"), "a\uFFFD");
}

TEST(text_escape, keeps_colours_alone_where_they_are_ours) {
  EXPECT_EQ(terminal_text("\x1b[31mred\x1b[0m", true), "\x1b[31mred\x1b[0m");
  EXPECT_EQ(terminal_text("\x1b[2J\x1b]0;t\x07\x1b[31", true), "?[2J?]0;t??[31");
}

} // namespace
} // namespace troupe
