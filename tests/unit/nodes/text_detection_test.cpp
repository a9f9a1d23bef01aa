#include "nodes/cli/text_detection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::cli {

namespace {

using namespace std::string_literals;

/// Text of ASCII and the BMP as UTF-16 or UTF-32.
std::string wide(std::u16string_view text, int width, bool big) {
  std::string bytes;
  for (auto unit : text)
    for (int i = 0; i < width; ++i) {
      auto place = big ? width - 1 - i : i;
      bytes += static_cast<char>(place > 1 ? 0 : unit >> (8 * place));
    }
  return bytes;
}

struct form {
  int width;
  bool big;
  const char* note;
};
constexpr form forms[] = {{2, false, "read as UTF-16 (little-endian)"},
                          {2, true, "read as UTF-16 (big-endian)"},
                          {4, false, "read as UTF-32 (little-endian)"},
                          {4, true, "read as UTF-32 (big-endian)"}};

void expect_text(const std::string& bytes, const std::string& text, const std::string& note) {
  EXPECT_EQ(why_not_text(bytes), "") << text;
  auto made = decode_text(bytes);
  EXPECT_EQ(made.text, text);
  EXPECT_EQ(made.note, note);
}

} // namespace

TEST(text_detection, utf_8_is_read_as_it_is) {
  expect_text("naïve €5\n", "naïve €5\n", "");
  expect_text("\xef\xbb\xbfhello", "hello", "");
  EXPECT_NE(why_not_text("\xef\xbb\xbf"), "") << "nothing but a mark";
  EXPECT_NE(why_not_text(""), "");
}

TEST(text_detection, utf_8_that_is_cut_in_the_middle_of_a_character_is_text) {
  EXPECT_EQ(why_not_text("caf\xc3"), "");
  EXPECT_EQ(why_not_text("\xe2\x82\xac 5"), "");
  EXPECT_EQ(why_not_text("Привет, \xd0"), "");
  EXPECT_EQ(why_not_text("日本語\xe6\x97"), "");
  EXPECT_EQ(why_not_text("𝄞\xf0"), "");
}

TEST(text_detection, windows_1252_has_its_quotation_marks_dashes_and_the_euro) {
  expect_text("customer\x92s refund \x97 the \x93widget\x94 costs \x80"
              "5\x85",
              "customer’s refund — the “widget” costs €5…", "read as Windows-1252");
  expect_text("letters \x8a\x9a\x8e\x9e\x9f caf\xe9", "letters ŠšŽžŸ café", "read as Windows-1252");
}

TEST(text_detection, bytes_that_windows_1252_does_not_define_become_no_control) {
  expect_text("five: \x81\x8d\x8f\x90\x9d end of it",
              "five: \uFFFD\uFFFD\uFFFD\uFFFD\uFFFD end of it", "read as Windows-1252");
}

TEST(text_detection, only_the_bytes_that_are_not_utf_8_are_converted) {
  EXPECT_EQ(to_utf8("\xef\xbb\xbfhello"), "hello");
  EXPECT_EQ(to_utf8("é \xe9"), "é é");
  EXPECT_EQ(to_utf8("\xc0\xaf"), "À¯"); // an overlong slash is not a slash
  EXPECT_EQ(to_utf8("\xed\xa0\x80"), "í\xc2\xa0€");
  EXPECT_EQ(decode_text("é \xe9").note, "read as UTF-8, with Windows-1252 for invalid bytes");
}

TEST(text_detection, utf_8_with_a_fault_stays_utf_8) {
  expect_text("日本語の文章\xe3\x81", "日本語の文章\uFFFD\uFFFD",
              "read as UTF-8; 2 invalid characters were replaced");
}

TEST(text_detection, utf_16_and_utf_32_are_read_with_and_without_a_mark) {
  for (const auto& each : forms) {
    expect_text(wide(u"Grüße, €5\n", each.width, each.big), "Grüße, €5\n", each.note);
    expect_text(wide(u"\ufeffGrüße, €5\n", each.width, each.big), "Grüße, €5\n", each.note);
    expect_text(wide(u"日本語\n", each.width, each.big), "日本語\n", each.note);
  }
}

TEST(text_detection, pairs_of_surrogates_are_one_character_and_single_ones_none) {
  expect_text(wide(u"\ufeff\xd834\xdd1e clef", 2, false), "𝄞 clef", forms[0].note);
  expect_text(wide(u"\ufeffone \xd834 alone, and the rest of it\n", 2, true),
              "one \uFFFD alone, and the rest of it\n",
              forms[1].note + "; 1 invalid character was replaced"s);
  expect_text(wide(u"\ufeffone \xdd1e alone, and the rest of it\n", 2, false),
              "one \uFFFD alone, and the rest of it\n",
              forms[0].note + "; 1 invalid character was replaced"s);
}

TEST(text_detection, a_byte_too_many_is_said) {
  for (const auto& each : forms)
    expect_text(wide(u"\ufeffas long as a sentence", each.width, each.big) + "x",
                "as long as a sentence\uFFFD", each.note + "; 1 invalid character was replaced"s);
  expect_text(wide(u"as long as a sentence", 2, false) + "x", "as long as a sentence\uFFFD",
              forms[0].note + "; 1 invalid character was replaced"s);
}

TEST(text_detection, nul_bytes_and_controls_are_no_text) {
  EXPECT_EQ(why_not_text("a\0b"s), "is not text (it holds NUL bytes)");
  EXPECT_EQ(why_not_text("\0\1"s), "is not text (it holds NUL bytes)");
  EXPECT_EQ(why_not_text("\x7f"
                         "ELF\2\1\1\0\0\0\0\0\0\0\0\0"s),
            "is not text (it holds NUL bytes)");
  EXPECT_NE(why_not_text("\x01\x02\x03\x04"), "");
  EXPECT_NE(why_not_text("\x80\x81\x82\x83"), "");
  EXPECT_NE(why_not_text("\xff\xfe\x01\x00\x02\x00\x03\x00"s), "") << "a mark makes no text";
  EXPECT_NE(why_not_text("\xcf\xf0\xe8\xe2\xe5\xf2 \xec\xe8\xf0"), "") << "Windows-1251";
}

TEST(text_detection, a_text_with_a_few_nul_bytes_is_no_utf_16) {
  for (const auto& text :
       {"Widgets must be returned\0 within thirty days.\n"s, "one.txt\0two.txt\0three.txt\0"s,
        "it ends with one\0"s, "it ends with two\0\0"s, "\0it begins with one"s, "hello\0"s,
        "naïve\0 café\0"s}) {
    EXPECT_EQ(why_not_text(text), "is not text (it holds NUL bytes)") << text;
    EXPECT_THAT(decode_text(text).note, testing::StartsWith("read as UTF-8; ")) << text;
  }
}

TEST(text_detection, nul_bytes_far_into_a_text_become_no_character) {
  auto text = std::string(10'000, 'a') + "\0"s + "b";
  auto made = decode_text(text);
  EXPECT_EQ(made.text, std::string(10'000, 'a') + "\uFFFDb");
  EXPECT_EQ(made.note, "read as UTF-8; 1 invalid character was replaced");
}

TEST(text_detection, every_kind_of_line_end_ends_a_line) {
  EXPECT_EQ(decode_text("a\rb\r").text, "a\nb\n");
  EXPECT_EQ(decode_text("a\r\nb\rc\nd").text, "a\r\nb\nc\nd");
  EXPECT_EQ(decode_text("a\r\rb").text, "a\n\nb");
}

} // namespace troupe::cli
