#pragma once

#include "nodes/simulate/json_view.hpp"

#include <span>

namespace troupe {

/// What a field must be, for the strict form.
struct strict_field {
  enum class json_form : std::uint8_t {
    any,
    text,
    flag,
    count,
    number,
    list,
    object,
    text_or_list
  };
  std::string_view name;
  json_form is = json_form::any;
  double min = 0, max = 1e18; ///< of a count or number
};

/// Refuses fields that are not in the table, and values of another type or outside their bounds.
/// Null is as if the field were missing. `unknown` begins the message about a field that is not
/// known.
checked check_fields(const json_object& body, std::span<const strict_field> table,
                     std::string_view unknown);

/// What the APIs allow as the name of a tool.
bool is_tool_name(std::string_view name);

} // namespace troupe
