#include "actors/agents/templates/template_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace troupe {

namespace {

constexpr double whole_number_max = 9'007'199'254'740'992; // 2^53: each below it is exact

} // namespace

std::string_view to_string(variable_type type) {
  switch (type) {
    case variable_type::text:
      return "text";
    case variable_type::number:
      return "number";
    case variable_type::flag:
      return "flag";
    case variable_type::list:
      return "list";
    case variable_type::records:
      return "records";
  }
  return "unknown";
}

bool is_template_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string template_value::text() const {
  if (auto words = std::get_if<std::string>(&content))
    return *words;
  if (auto number = std::get_if<double>(&content)) {
    if (*number == std::trunc(*number) && std::abs(*number) <= whole_number_max)
      return std::to_string(static_cast<std::int64_t>(*number)); // not 1e+06
    std::array<char, 32> buffer{};
    auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), *number);
    return {buffer.data(), end};
  }
  if (auto flag = std::get_if<bool>(&content))
    return *flag ? "true" : "false";
  return {};
}

} // namespace troupe
