#include "config/yaml_text.hpp"

#include "config/base/hex.hpp"

#include <algorithm>

namespace troupe {

namespace {

bool is_plain(std::string_view text) {
  auto safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '.' || c == '/';
  };
  if (text.empty() || !safe(text.front()) || text.back() == ':')
    return false;
  if (text == "null" || text == "Null" || text == "NULL")
    return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return safe(c) || c == ':' || c == '-'; });
}

} // namespace

std::string yaml_scalar(std::string_view text) {
  if (is_plain(text))
    return std::string(text);
  std::string made = "\"";
  for (auto c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (made += '\\') += c;
    else if (byte < 0x20 || byte == 0x7f)
      append_hex(made += "\\x", byte);
    else
      made += c;
  }
  return made + "\"";
}

} // namespace troupe
