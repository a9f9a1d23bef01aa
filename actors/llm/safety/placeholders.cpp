#include "actors/llm/safety/placeholders.hpp"

#include "actors/llm/json_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t placeholder_bytes_max = 24;

bool may_be_inside(char c) { return (c >= 'A' && c <= 'Z') || c == '_' || is_digit_byte(c); }

std::string word_of(safety_check check) {
  std::string word{to_string(check)};
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  return word;
}

/// The bytes of what looks like a placeholder at the beginning of `text`; 0: nothing does.
std::size_t placeholder_at(std::string_view text) {
  auto end = text.substr(0, placeholder_bytes_max).find(']');
  if (!text.starts_with('[') || end == text.npos)
    return 0;
  auto inside = text.substr(1, end - 1);
  return std::all_of(inside.begin(), inside.end(), may_be_inside) ? end + 1 : 0;
}

/// As it stands between the quotes of a JSON text.
std::string inside_json(const std::string& value) {
  auto written = write_json(json_value(value)).value_or("\"\"");
  return written.substr(1, written.size() - 2);
}

} // namespace

void placeholders::reserve(std::string_view text) {
  for (auto at = text.find('['); at != text.npos; at = text.find('[', at + 1))
    if (auto length = placeholder_at(text.substr(at)); length > 0)
      if (auto name = text.substr(at, length); !values_.contains(name))
        reserved_.emplace(name, true);
}

void placeholders::avoid(const placeholders& others) {
  for (const auto& [name, value] : others.values_)
    reserved_.emplace(name, true);
  for (const auto& [name, is] : others.reserved_)
    reserved_.emplace(name, is);
}

std::string placeholders::of(safety_check check, std::string_view value) {
  auto word = word_of(check);
  auto key = word + ' ' + std::string{value};
  if (auto known = names_.find(key); known != names_.end())
    return known->second;
  std::string name;
  do
    name = "[" + word + "_" + std::to_string(++last_[static_cast<std::size_t>(check)]) + "]";
  while (reserved_.contains(name));
  values_.emplace(name, value);
  names_.emplace(std::move(key), name);
  return name;
}

std::string placeholders::unmask(std::string_view text, within of) const {
  std::string made;
  std::size_t from = 0;
  for (auto at = text.find('['); at != text.npos; at = text.find('[', at + 1)) {
    auto length = placeholder_at(text.substr(at));
    auto known = length > 0 ? values_.find(text.substr(at, length)) : values_.end();
    if (known == values_.end())
      continue;
    made.append(text.substr(from, at - from));
    made.append(of == within::text ? known->second : inside_json(known->second));
    from = at + length;
  }
  return made.append(text.substr(from));
}

std::size_t placeholders::open_from(std::string_view text) const {
  auto tail = text.size() > placeholder_bytes_max ? text.size() - placeholder_bytes_max : 0;
  auto open = empty() ? text.npos : text.rfind('[');
  if (open == text.npos || open < tail)
    return text.size();
  auto inside = text.substr(open + 1);
  return std::all_of(inside.begin(), inside.end(), may_be_inside) ? open : text.size();
}

} // namespace troupe
