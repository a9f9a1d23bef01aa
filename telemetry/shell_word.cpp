#include "telemetry/shell_word.hpp"

#include "telemetry/text_escape.hpp"

#include <algorithm>

namespace troupe {

namespace {

bool is_plain(char c) {
  constexpr std::string_view others = "_./-+,:@%=";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
         || others.find(c) != others.npos;
}

std::string in_quotes(std::string_view text) {
  std::string word = "'";
  for (char c : text)
    word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

/// Bytes in octal: three digits end by themselves, regardless of what follows.
std::string with_escapes(std::string_view text) {
  std::string word = "$'";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\')
      (word += '\\') += c;
    else if (byte >= 0x20 && byte < 0x7f)
      word += c;
    else
      for (word += '\\'; auto shift : {6, 3, 0})
        word += static_cast<char>('0' + (byte >> shift & 7));
  }
  return word + "'";
}

} // namespace

std::string shell_word(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain))
    return std::string(text);
  return one_line(text) == text ? in_quotes(text) : with_escapes(text);
}

} // namespace troupe
