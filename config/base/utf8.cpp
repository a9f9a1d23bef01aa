#include "config/base/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace troupe {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// The first byte at or after `at` that is not ASCII. Eight bytes at a time, because most text is
/// ASCII.
std::size_t skip_ascii(std::string_view text, std::size_t at) {
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  for (std::uint64_t eight = 0; text.size() - at >= sizeof eight; at += sizeof eight) {
    std::memcpy(&eight, text.data() + at, sizeof eight);
    if ((eight & high_bits) != 0)
      break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80)
    ++at;
  return at;
}

} // namespace

std::size_t utf8_length(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty())
    return 0;
  auto first = byte(0);
  if (first < 0x80)
    return 1;
  std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length)
    return 0;
  unsigned char least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  unsigned char most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < least || byte(1) > most)
    return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80)
      return 0;
  return length;
}

std::optional<std::size_t> find_bad_utf8(std::string_view text) {
  for (auto at = skip_ascii(text, 0); at < text.size(); at = skip_ascii(text, at)) {
    auto length = utf8_length(text.substr(at));
    if (length == 0)
      return at;
    at += length;
  }
  return std::nullopt;
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  while (auto bad = find_bad_utf8(text)) {
    valid.append(text.substr(0, *bad)).append(replacement);
    text.remove_prefix(*bad + 1);
  }
  return valid.append(text);
}

std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max)
    return text;
  auto end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  return text.substr(0, end);
}

} // namespace troupe
