#pragma once

#include "actors/agents/templates/template_value.hpp"
#include "config/base/result.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

struct config_error;
class Value;
class yaml_node;

/// A variable as a role declares it.
struct template_variable {
  variable_type type = variable_type::text;
  std::vector<std::string> fields;        ///< of `records`
  std::optional<template_value> standard; ///< none: it has to be given
  std::pair<int, int> declared_at{0, 0};  ///< line and column of its name; 0: it is in no file
};

using template_variables = std::map<std::string, template_variable, std::less<>>;

/// Reads the section `variables` of a role:
///
///     variables:
///       tone: text
///       limit: {type: number, default: 3}
///       tags: {type: list, default: []}
///       findings: {type: records, fields: [name, quote]}
///
/// A default of another type is an error.
outcome<template_variables, config_error> read_variables(const yaml_node& section);

/// The value that is written there. The error says what was expected; a field of a record that is
/// missing or not declared is one.
outcome<template_value, config_error> read_template_value(const template_variable& of,
                                                          const yaml_node& written);

/// The value that a person wrote for that variable ("--set limit=5"): a list has its items between
/// commas or is JSON, records are JSON. The error says what was expected.
outcome<template_value, std::string> read_value_of(const template_variable& of,
                                                   std::string_view text);

/// The value that a task's input gives. Texts that are numbers or flags count as such; fields of
/// records that are not declared are left out. The error says what was expected.
outcome<template_value, std::string> value_of_input(const template_variable& of,
                                                    const Value& given);

} // namespace troupe
