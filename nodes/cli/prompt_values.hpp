#pragma once

#include "actors/agents/role_file.hpp"
#include "nodes/cli/output.hpp"

#include <string>
#include <vector>

/// The values of a role's variables, as people give them to `troupe prompt render`.
namespace troupe::cli {

/// The variables that the prompts of a role use, by name.
template_variables variables_of(const script& says);

/// Reads NAME=VALUE arguments, and what they do not say from a file (JSON or YAML; none if the name
/// is empty), by the types of the role's variables. What the model says to another prompt of the
/// role stands there as `{{NAME}}` unless it is given. Errors name what was expected and where: a
/// variable that the role does not have, a value of another type, a variable without a value.
cli_result<template_values> read_values(const role_file& of,
                                        const std::vector<std::string>& arguments,
                                        const std::string& file);

} // namespace troupe::cli
