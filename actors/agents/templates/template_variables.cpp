#include "actors/agents/templates/template_variables.hpp"

#include "config/config.hpp"
#include "config/suggest.hpp"
#include "config/yaml.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace troupe {

namespace {

constexpr variable_type all_types[] = {variable_type::text, variable_type::number,
                                       variable_type::flag, variable_type::list,
                                       variable_type::records};

config_result<variable_type> read_type(const yaml_node& value) {
  auto word = value.text();
  if (!word)
    return unexpected{std::move(word).error()};
  for (auto type : all_types)
    if (to_string(type) == *word)
      return type;
  return value.fail("the type of a variable is text, number, flag, list or records, not "
                    + value.found());
}

config_result<template_value::record> read_record(const template_variable& of,
                                                  const yaml_node& written) {
  auto given = written.fields();
  if (!given)
    return unexpected{std::move(given).error()};
  template_value::record made;
  std::vector<std::string_view> known(of.fields.begin(), of.fields.end());
  for (const auto& [key, value] : *given) {
    const auto& field = key.raw().Scalar();
    if (std::find(known.begin(), known.end(), field) == known.end())
      return key.fail("there is no field \"" + field + "\"" + did_you_mean(field, known)
                      + ": expected " + listed(known));
    auto text = value.text();
    if (!text)
      return unexpected{std::move(text).error()};
    made.emplace(field, *std::move(text));
  }
  for (const auto& field : of.fields)
    if (!made.contains(field))
      return written.fail("expected the field \"" + field + "\" in each record");
  return made;
}

config_result<template_value> read_items(const template_variable& of, const yaml_node& written) {
  auto items = written.list();
  if (!items)
    return unexpected{std::move(items).error()};
  std::vector<std::string> texts;
  std::vector<template_value::record> records;
  for (const auto& item : *items) {
    if (of.type == variable_type::list) {
      auto text = item.text();
      if (!text)
        return unexpected{std::move(text).error()};
      texts.push_back(*std::move(text));
      continue;
    }
    auto one = read_record(of, item);
    if (!one)
      return unexpected{std::move(one).error()};
    records.push_back(*std::move(one));
  }
  if (of.type == variable_type::list)
    return template_value{std::move(texts)};
  return template_value{std::move(records)};
}

/// What has a type and more.
config_result<template_variable> read_mapping(const std::string& name, const yaml_node& value) {
  template_variable made;
  yaml_reader in(value, "variable " + name);
  auto type_node = in.need("type");
  in.may("fields", made.fields);
  auto standard = in.may("default");
  if (auto read = in.done(); !read)
    return unexpected{std::move(read).error()};
  auto type = read_type(*type_node);
  if (!type)
    return unexpected{std::move(type).error()};
  made.type = *type;
  if (standard) {
    auto read = read_template_value(made, *standard);
    if (!read) {
      read.error().message =
          "the default of " + std::string{to_string(made.type)} + ": " + read.error().message;
      return unexpected{std::move(read).error()};
    }
    made.standard = *std::move(read);
  }
  return made;
}

config_result<template_variable> read_variable(const std::string& name, const yaml_node& value) {
  template_variable made;
  if (value.is_scalar()) {
    auto type = read_type(value);
    if (!type)
      return unexpected{std::move(type).error()};
    made.type = *type;
  } else {
    auto read = read_mapping(name, value);
    if (!read)
      return read;
    made = *std::move(read);
  }
  bool has_records = made.type == variable_type::records;
  if (has_records == made.fields.empty())
    return value.fail(has_records ? "records need their fields: {type: records, fields: [name]}"
                                  : "only records have fields");
  for (const auto& field : made.fields)
    if (!is_template_name(field))
      return value.fail("a field is written with lower-case letters, digits and _, not \"" + field
                        + "\"");
  return made;
}

/// JSON is YAML, so one reader says what is wrong, and where in the text.
outcome<template_value, std::string> read_written(const template_variable& of,
                                                  std::string_view text) {
  auto node = parse_yaml(text, {});
  auto read = node ? read_template_value(of, *node) : unexpected{node.error()};
  if (!read)
    return unexpected{read.error().message + " (character " + std::to_string(read.error().column)
                      + ")"};
  return *std::move(read);
}

} // namespace

config_result<template_variables> read_variables(const yaml_node& section) {
  auto fields = section.fields();
  if (!fields)
    return unexpected{std::move(fields).error()};
  template_variables all;
  for (const auto& [key, value] : *fields) {
    const auto& name = key.raw().Scalar();
    if (!is_template_name(name))
      return key.fail("a variable is written with lower-case letters, digits and _, not "
                      + key.found());
    auto read = read_variable(name, value);
    if (!read)
      return unexpected{std::move(read).error()};
    read->declared_at = {key.line(), key.column()};
    all.emplace(name, *std::move(read));
  }
  return all;
}

config_result<template_value> read_template_value(const template_variable& of,
                                                  const yaml_node& written) {
  switch (of.type) {
    case variable_type::text: {
      auto text = written.text();
      if (!text)
        return unexpected{std::move(text).error()};
      return template_value{*std::move(text)};
    }
    case variable_type::number: {
      auto number = written.number();
      if (!number)
        return unexpected{std::move(number).error()};
      return template_value{*number};
    }
    case variable_type::flag: {
      auto flag = written.flag();
      if (!flag)
        return unexpected{std::move(flag).error()};
      return template_value{*flag};
    }
    case variable_type::list:
    case variable_type::records:
      return read_items(of, written);
  }
  return written.fail("expected a value");
}

outcome<template_value, std::string> read_value_of(const template_variable& of,
                                                   std::string_view text) {
  auto wrong = [&](std::string_view expected) {
    return unexpected{"expected " + std::string{expected} + ", found \"" + std::string{text}
                      + "\""};
  };
  switch (of.type) {
    case variable_type::text:
      return template_value{std::string{text}};
    case variable_type::number: {
      double number = 0;
      auto end = text.data() + text.size();
      auto [stopped, error] = std::from_chars(text.data(), end, number);
      if (error != std::errc{} || stopped != end || !std::isfinite(number))
        return wrong("a number");
      return template_value{number};
    }
    case variable_type::flag:
      if (text != "true" && text != "false")
        return wrong("true or false");
      return template_value{text == "true"};
    case variable_type::list: {
      if (text.starts_with('['))
        return read_written(of, text);
      std::vector<std::string> items;
      for (auto rest = text; !rest.empty();) {
        auto comma = std::min(rest.find(','), rest.size());
        items.emplace_back(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
      }
      return template_value{std::move(items)};
    }
    case variable_type::records:
      if (!text.starts_with('['))
        return wrong("records as JSON, [{\"" + of.fields.front() + "\": \"...\"}]");
      return read_written(of, text);
  }
  return wrong("a value");
}

} // namespace troupe
