#include "config/base/utf8.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using namespace std::string_literals;

TEST(utf8, takes_every_well_formed_sequence) {
  for (const auto& text :
       {""s, "plain"s, "caf\xc3\xa9"s, "\xe2\x82\xac"s, "\xf0\x9f\x98\x80"s, "\xef\xbf\xbf"s,
        "\xed\x9f\xbf"s, "\xee\x80\x80"s, "\xf4\x8f\xbf\xbf"s, "\xc2\x80"s, "\0"s})
    EXPECT_EQ(find_bad_utf8(text), std::nullopt) << testing::PrintToString(text);
}

TEST(utf8, refuses_what_is_none_and_says_where) {
  struct {
    std::string text;
    std::size_t at;
  } const cases[] = {
      {"caf\xe9", 3}, // Latin-1
      {"\xff\xfe"
       "a",
       0},                         // a UTF-16 mark
      {"ab\x80", 2},               // a continuation without a beginning
      {"\xc0\xaf", 0},             // overlong
      {"\xc1\xbf", 0},             // overlong
      {"\xe0\x9f\xbf", 0},         // overlong
      {"\xf0\x8f\xbf\xbf", 0},     // overlong
      {"\xed\xa0\x80", 0},         // a surrogate
      {"\xed\xbf\xbf", 0},         // a surrogate
      {"\xf4\x90\x80\x80", 0},     // above U+10FFFF
      {"\xf5\x80\x80\x80", 0},     // above U+10FFFF
      {"\xf8\x88\x80\x80\x80", 0}, // five bytes
      {"12345678\xe2\x82", 8},     // cut off after the bytes that are checked by eights
      {"12345678\xe2\x82"
       "12345",
       8} // cut off in the middle
  };
  for (const auto& [text, at] : cases)
    EXPECT_EQ(find_bad_utf8(text), at) << testing::PrintToString(text);
}

TEST(utf8, puts_a_mark_for_each_byte_that_belongs_to_no_character) {
  EXPECT_EQ(valid_utf8("a\xe9"
                       "b\xff\xff"),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(valid_utf8("caf\xc3\xa9"), "caf\xc3\xa9");
}

TEST(utf8, cuts_no_character_apart) {
  EXPECT_EQ(utf8_prefix("caf\xc3\xa9s", 4), "caf");
  EXPECT_EQ(utf8_prefix("caf\xc3\xa9s", 5), "caf\xc3\xa9");
  EXPECT_EQ(utf8_prefix("caf", 10), "caf");
}

} // namespace
} // namespace troupe
