#include "actors/llm/key_hider.hpp"

#include "config/limits/secrets.hpp"

namespace troupe {

namespace {

constexpr std::string_view in_place_of_key = "***";

/// How many bytes at the beginning of `text` are the key; 0: it does not begin with it.
std::size_t key_bytes_in(std::string_view text, std::string_view key) {
  std::size_t at = 0, found = 0;
  while (found < key.size() && at < text.size()) {
    if (text[at] == key[found])
      ++found;
    else if (text[at] != '\\')
      return 0;
    ++at;
  }
  return found == key.size() || found >= limits::hidden_key_bytes_min ? at : 0;
}

} // namespace

std::string without_key(std::string text, std::string_view key) {
  if (key.size() < limits::hidden_key_bytes_min)
    return text;
  for (std::size_t at = text.find(key.front()); at != text.npos; at = text.find(key.front(), at))
    if (auto bytes = key_bytes_in(std::string_view{text}.substr(at), key); bytes != 0) {
      text.replace(at, bytes, in_place_of_key);
      at += in_place_of_key.size();
    } else {
      ++at;
    }
  return text;
}

} // namespace troupe
