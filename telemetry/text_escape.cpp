#include "telemetry/text_escape.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";
constexpr std::string_view replacement = "\xEF\xBF\xBD";

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7f; }

/// Copies `text`, giving each control character and `special` to `escape`.
template <class Special, class Escape>
void append_escaped(std::string& out, std::string_view text, Special special, Escape escape) {
  while (!text.empty()) {
    auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) {
      if (is_control(first) || special(text.front()))
        escape(out, first);
      else
        out.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    auto length = utf8_length(text);
    // U+0080 to U+009F are control characters too: some terminals obey them.
    if (length == 2 && first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0)
      escape(out, static_cast<unsigned char>(text[1]));
    else
      out.append(length == 0 ? replacement : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

} // namespace

std::size_t utf8_length(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty())
    return 0;
  auto first = byte(0);
  if (first < 0x80)
    return 1;
  // Well-formed sequences are those of the Unicode standard, table 3-7.
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

std::string valid_utf8(std::string_view text) {
  auto ascii =
      std::ranges::find_if(text, [](char c) { return static_cast<unsigned char>(c) > 0x7f; });
  std::string valid{text.begin(), ascii};
  text.remove_prefix(valid.size());
  while (!text.empty()) {
    auto length = utf8_length(text);
    valid.append(length == 0 ? replacement : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return valid;
}

void append_json_escaped(std::string& out, std::string_view text) {
  auto special = [](char c) { return c == '"' || c == '\\'; };
  append_escaped(out, text, special, [](std::string& to, unsigned char c) {
    switch (c) {
      case '"':
        to += "\\\"";
        return;
      case '\\':
        to += "\\\\";
        return;
      case '\n':
        to += "\\n";
        return;
      case '\r':
        to += "\\r";
        return;
      case '\t':
        to += "\\t";
        return;
      default:
        to += "\\u00";
        to.push_back(hex_digits[c >> 4]);
        to.push_back(hex_digits[c & 15]);
    }
  });
}

void append_terminal_escaped(std::string& out, std::string_view text) {
  append_escaped(
      out, text, [](char) { return false; },
      [](std::string& to, unsigned char c) {
        if (c == '\n') {
          to += "\\n";
          return;
        }
        to += "\\x";
        to.push_back(hex_digits[c >> 4]);
        to.push_back(hex_digits[c & 15]);
      });
}

} // namespace troupe
