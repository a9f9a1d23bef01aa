#pragma once

#include <cstddef>
#include <string_view>

/// Classes of bytes, independent of any locale. A byte of a multi-byte UTF-8 character counts as a
/// letter.
namespace troupe::characters {

constexpr bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
constexpr bool is_wide(char c) noexcept { return (static_cast<unsigned char>(c) & 0x80) != 0; }
constexpr bool is_letter(char c) noexcept { return is_upper(c) || is_lower(c) || is_wide(c); }
constexpr bool is_word(char c) noexcept { return is_letter(c) || is_digit(c); }
constexpr char to_lower(char c) noexcept {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether a UTF-8 character continues here, so that a cut before this byte would damage it.
constexpr bool is_continuation(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

constexpr std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_space(text.back()))
    text.remove_suffix(1);
  return text;
}

/// Without a letter or digit: empty, or a rule such as "-----".
constexpr bool is_blank_or_rule(std::string_view line) noexcept {
  for (auto c : line)
    if (is_word(c))
      return false;
  return true;
}

/// Where to cut `text` so that the first part has at most `most` bytes (at least 4): after a line
/// break, or else at a space, or else between two characters.
constexpr std::size_t cut_before(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most)
    return text.size();
  for (char wanted : {'\n', ' '})
    for (auto at = most; at > most / 2; --at)
      if (text[at - 1] == wanted)
        return at;
  auto at = most;
  while (at > most - 3 && is_continuation(text[at]))
    --at;
  return at;
}

} // namespace troupe::characters
