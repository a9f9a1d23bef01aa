#include "nodes/cli/documents.hpp"

#include <algorithm>

namespace troupe::cli {

namespace {

/// Bytes of the UTF-8 sequence at the beginning of `text`: 0 if it is none, 4 at most. `cut` tells
/// that it would be one if the text went on.
std::size_t sequence_length(std::string_view text, bool& cut) {
  cut = false;
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto first = byte(0);
  if (first < 0x80)
    return 1;
  std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4)
    return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size())
      return cut = true, 0;
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  }
  // Overlong forms, surrogates, and what is beyond U+10FFFF.
  auto second = byte(1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)
      || (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
    return 0;
  return length;
}

bool is_utf8(std::string_view text, bool may_be_cut) {
  while (!text.empty()) {
    bool cut = false;
    auto length = sequence_length(text, cut);
    if (length == 0)
      return cut && may_be_cut;
    text.remove_prefix(length);
  }
  return true;
}

/// Control characters that texts do not have: all but tab, line ends, form feed, backspace and
/// escape.
bool is_odd_control(char c) {
  auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && !(byte >= 0x08 && byte <= 0x0d) && byte != 0x1b) || byte == 0x7f;
}

} // namespace

std::string why_not_text(std::string_view beginning) {
  if (beginning.empty())
    return "is empty";
  if (beginning.starts_with("\xff\xfe") || beginning.starts_with("\xfe\xff"))
    return "is UTF-16 text: convert it to UTF-8 first";
  if (beginning.find('\0') != std::string_view::npos)
    return "is not text (it holds NUL bytes)";
  auto odd = std::count_if(beginning.begin(), beginning.end(), is_odd_control);
  if (is_utf8(beginning, true))
    return odd * 20 > static_cast<std::ptrdiff_t>(beginning.size())
               ? "is not text (it holds control characters)"
               : "";
  // One byte a character: no controls at all, and letters beyond ASCII are the exception. Texts in
  // other alphabets are UTF-8 today.
  auto high = std::count_if(beginning.begin(), beginning.end(),
                            [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  if (odd != 0 || high * 3 > static_cast<std::ptrdiff_t>(beginning.size()))
    return "is not text (neither UTF-8 nor Latin-1)";
  return {};
}

std::string to_utf8(std::string bytes) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (bytes.starts_with(byte_order_mark))
    bytes.erase(0, byte_order_mark.size());
  if (is_utf8(bytes, false))
    return bytes;
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 8);
  std::string_view rest = bytes;
  while (!rest.empty()) {
    bool cut = false;
    auto length = sequence_length(rest, cut);
    if (length == 0) { // Latin-1's numbers are Unicode's
      auto byte = static_cast<unsigned char>(rest.front());
      text += static_cast<char>(0xc0 | (byte >> 6));
      text += static_cast<char>(0x80 | (byte & 0x3f));
      length = 1;
    } else {
      text.append(rest.substr(0, length));
    }
    rest.remove_prefix(length);
  }
  return text;
}

} // namespace troupe::cli
