#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

/// JSON is written by hand here: an answer is a few dozen bytes around a text, and is written tens
/// of thousands of times a second.
namespace troupe {

/// Appends `text` with its quotes. It must be UTF-8.
inline void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\')
      continue;
    out += text.substr(from, i - from);
    from = i + 1;
    out += '\\';
    if (c == '"' || c == '\\') {
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += 'n';
    } else {
      out += "u00";
      out += digits[c >> 4];
      out += digits[c & 15];
    }
  }
  out += text.substr(from);
  out += '"';
}

template <class Number>
void append_json_number(std::string& out, Number number) {
  char digits[32];
  auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

/// Appends each part in order: literals, and strings that are JSON already.
template <class... Part>
void append_json(std::string& out, const Part&... parts) {
  auto one = [&out](const auto& part) {
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(part)>>)
      append_json_number(out, part);
    else
      out += part;
  };
  (one(parts), ...);
}

} // namespace troupe
