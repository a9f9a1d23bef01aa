#include "nodes/cli/prompt_values.hpp"

#include "config/limits/storage.hpp"
#include "config/suggest.hpp"
#include "config/yaml.hpp"
#include "messages/cluster.pb.h"
#include "nodes/exit_codes.hpp"
#include "persistence/files.hpp"

#include <fcntl.h>

#include <cerrno>
#include <optional>
#include <string_view>

namespace troupe::cli {

namespace {

/// "poet.yaml:6", where the variable is declared.
std::string declared_in(const role_file& of, const template_variable& variable) {
  if (variable.declared_at.first == 0)
    return of.file;
  return of.file + ":" + std::to_string(variable.declared_at.first);
}

std::string no_variable(const role_file& of, const template_variables& known,
                        std::string_view called) {
  std::vector<std::string_view> names;
  for (const auto& [name, variable] : known)
    names.push_back(name);
  auto there_are =
      names.empty() ? std::string{"its prompts use none"} : "there are " + listed(names);
  return "role " + of.parsed.info.name() + " has no variable \"" + std::string{called} + "\""
         + did_you_mean(called, names) + "; " + there_are;
}

cli_result<std::string> read_values_text(const std::string& path) {
  auto file = open_file(path, O_RDONLY | O_NOCTTY);
  std::string text(limits::yaml_bytes_max + 1, '\0');
  auto size = file ? read_up_to(file.get(), text.data(), text.size()) : std::nullopt;
  if (!size)
    return unexpected{
        usage_error("the values cannot be read: " + file_failure("reading", path, errno).message)};
  text.resize(*size); // the parser reports that it is too long
  return text;
}

/// JSON is YAML, but for characters that it writes as two escapes.
config_result<yaml_node> parse_values(const std::string& text, const std::string& file) {
  auto node = parse_yaml(text, file);
  if (!node && json::accept(text))
    return parse_yaml(json::parse(text).dump(), file);
  return node;
}

cli_error value_error(const config_error& why) { return {exit_usage, "values", to_string(why)}; }

cli_result<void> read_values_file(const role_file& of, const template_variables& known,
                                  const std::string& file, template_values& into) {
  auto text = read_values_text(file);
  if (!text)
    return unexpected{text.error()};
  auto node = parse_values(*text, file);
  auto fields = node ? node->fields() : unexpected{node.error()};
  if (!fields)
    return unexpected{value_error(fields.error())};
  for (const auto& [key, value] : *fields) {
    const auto& called = key.raw().Scalar();
    auto variable = known.find(called);
    if (variable == known.end())
      return unexpected{value_error(key.error(no_variable(of, known, called)))};
    auto read = read_template_value(variable->second, value);
    if (!read) {
      read.error().message =
          "\"" + called + "\" (" + declared_in(of, variable->second) + "): " + read.error().message;
      return unexpected{value_error(read.error())};
    }
    into[called] = *std::move(read);
  }
  return {};
}

cli_result<void> read_argument(const role_file& of, const template_variables& known,
                               const std::string& argument, template_values& into) {
  auto equals = argument.find('=');
  if (equals == std::string::npos || equals == 0)
    return unexpected{usage_error("--set " + argument + ": write NAME=VALUE")};
  auto called = argument.substr(0, equals);
  auto variable = known.find(called);
  if (variable == known.end())
    return unexpected{usage_error("--set " + called + ": " + no_variable(of, known, called))};
  auto read = read_value_of(variable->second, argument.substr(equals + 1));
  if (!read)
    return unexpected{usage_error("--set " + called + " (" + declared_in(of, variable->second)
                                  + "): " + read.error())};
  into[called] = *std::move(read);
  return {};
}

} // namespace

template_variables variables_of(const script& says) {
  template_variables all;
  for (const auto& [prompt_name, prompt] : says.prompts)
    all.insert(prompt.variables().begin(), prompt.variables().end());
  return all;
}

cli_result<template_values> read_values(const role_file& of,
                                        const std::vector<std::string>& arguments,
                                        const std::string& file) {
  auto known = variables_of(*of.says);
  template_values made;
  if (!file.empty())
    if (auto read = read_values_file(of, known, file, made); !read)
      return unexpected{read.error()};
  for (const auto& argument : arguments)
    if (auto read = read_argument(of, known, argument, made); !read)
      return unexpected{read.error()};
  std::string missing;
  for (const auto& [called, variable] : known) {
    if (made.contains(called) || variable.standard)
      continue;
    if (of.says->asks(called))
      made[called].content = "{{" + called + "}}";
    else
      missing += (missing.empty() ? "" : ", ") + called + " ("
                 + std::string{to_string(variable.type)} + ", " + declared_in(of, variable) + ")";
  }
  if (!missing.empty())
    return unexpected{usage_error("role " + of.parsed.info.name() + " needs values for " + missing
                                  + ": --set NAME=VALUE or --values FILE")};
  return made;
}

} // namespace troupe::cli
