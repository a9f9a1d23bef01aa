#include "nodes/simulate/strict_field.hpp"

#include <algorithm>

namespace troupe {

namespace {

using json_form = strict_field::json_form;

bool is_within(const json_element& value, const strict_field& field) {
  double number = 0;
  return value.is_number() && value.get_double().get(number) == simdjson::SUCCESS
         && number >= field.min && number <= field.max;
}

bool is_right(const json_element& value, const strict_field& field) {
  switch (field.is) {
    case json_form::any:
      return true;
    case json_form::text:
      return value.is_string();
    case json_form::flag:
      return value.is_bool();
    case json_form::count:
      return (value.is_int64() || value.is_uint64()) && is_within(value, field);
    case json_form::number:
      return is_within(value, field);
    case json_form::list:
      return value.is_array();
    case json_form::object:
      return value.is_object();
    case json_form::text_or_list:
      return value.is_string() || value.is_array();
  }
  return false;
}

std::string_view words_for(json_form is) {
  switch (is) {
    case json_form::any:
      return "anything";
    case json_form::text:
      return "a string";
    case json_form::flag:
      return "a boolean";
    case json_form::count:
      return "an integer within its bounds";
    case json_form::number:
      return "a number within its bounds";
    case json_form::list:
      return "an array";
    case json_form::object:
      return "an object";
    case json_form::text_or_list:
      return "a string or an array";
  }
  return "";
}

} // namespace

checked check_fields(const json_object& body, std::span<const strict_field> table,
                     std::string_view unknown) {
  for (auto [key, value] : body) {
    auto name = key;
    auto found = std::find_if(table.begin(), table.end(),
                              [&](const strict_field& one) { return one.name == name; });
    if (found == table.end())
      return wrong(std::string{unknown} + std::string{name}, std::string{name});
    if (!value.is_null() && !is_right(value, *found))
      return wrong("Invalid type or value for '" + std::string{name} + "': expected "
                       + std::string{words_for(found->is)} + ".",
                   std::string{name});
  }
  return {};
}

bool is_tool_name(std::string_view name) {
  constexpr std::size_t bytes_max = 64;
  return !name.empty() && name.size() <= bytes_max
         && std::all_of(name.begin(), name.end(), [](char c) {
              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                     || c == '_' || c == '-';
            });
}

} // namespace troupe
