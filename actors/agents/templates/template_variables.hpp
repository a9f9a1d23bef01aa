#pragma once

#include "actors/agents/templates/template_value.hpp"
#include "config/base/result.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

struct config_error;
class yaml_node;

/// A variable as a role declares it.
struct template_variable {
  variable_type type = variable_type::text;
  std::vector<std::string> fields;        ///< of `records`
  std::optional<template_value> standard; ///< none: it has to be given
};

using template_variables = std::map<std::string, template_variable, std::less<>>;

/// Reads the section `variables` of a role:
///
///     variables:
///       question: text
///       limit: {type: number, default: 3}
///       tags: {type: list, default: []}
///       documents: {type: records, fields: [name, text]}
///
/// A default of another type is an error.
outcome<template_variables, config_error> read_variables(const yaml_node& section);

/// The value that a person wrote for that variable ("--set limit=5"): a list has its items between
/// commas. The error says what was expected. Records cannot be written so.
outcome<template_value, std::string> read_value_of(const template_variable& of,
                                                   std::string_view text);

} // namespace troupe
