#include "telemetry/shell_word.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>

namespace troupe {
namespace {

/// The text that bash reads from the word.
std::string typed(const std::string& word) {
  FILE* out = ::popen(("exec bash -c " + shell_word("printf %s " + word)).c_str(), "r");
  std::array<char, 256> text;
  auto size = std::fread(text.data(), 1, text.size(), out);
  ::pclose(out);
  return {text.data(), size};
}

TEST(shell_word, plain_words_stay_as_they_are) {
  EXPECT_EQ(shell_word("/tmp/data-1/x_y.d"), "/tmp/data-1/x_y.d");
  EXPECT_EQ(shell_word("/tmp/my data"), "'/tmp/my data'");
  EXPECT_EQ(shell_word("/tmp/café"), "'/tmp/café'");
  EXPECT_EQ(shell_word(""), "''");
}

TEST(shell_word, a_shell_reads_back_what_was_meant) {
  for (std::string text :
       {"it's", "$HOME `x` \"y\" *", "li\nne \x1b[31m\xff", "a\\nb", "~", "a\tb'c\\",
        "\xff"
        "1"})
    EXPECT_EQ(typed(shell_word(text)), text);
}

TEST(shell_word, nothing_in_it_commands_a_terminal) {
  EXPECT_EQ(shell_word("li\nne \x1b[31m\xff"), "$'li\\012ne \\033[31m\\377'");
}

} // namespace
} // namespace troupe
