#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe {

/// What a variable of a template is.
enum class variable_type : std::uint8_t {
  text,
  number,
  flag,    ///< true or false
  list,    ///< of texts
  records, ///< a list of things with fields, each of which is a text
};

std::string_view to_string(variable_type type);

/// The value of a variable.
struct template_value {
  using record = std::map<std::string, std::string, std::less<>>;
  std::variant<std::string, double, bool, std::vector<std::string>, std::vector<record>> content;

  variable_type type() const noexcept { return static_cast<variable_type>(content.index()); }
  /// As it stands in a text: a number as a person writes it, and exact. Not of lists.
  std::string text() const;

  bool operator==(const template_value&) const = default;
};

/// Of variables, fields and partials: lower-case letters, digits and `_`.
bool is_template_name(std::string_view text);

using template_values = std::map<std::string, template_value, std::less<>>;

} // namespace troupe
