#include "actors/agents/templates/template_variables.hpp"

#include "config/config.hpp"
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

config_result<template_value> read_default(const yaml_node& value, variable_type type) {
  auto wrong = [&] {
    return value.fail("expected a default of type " + std::string{to_string(type)} + ", found "
                      + value.found());
  };
  switch (type) {
    case variable_type::text:
      if (auto text = value.text())
        return template_value{*std::move(text)};
      return wrong();
    case variable_type::number:
      if (auto number = value.number())
        return template_value{*number};
      return wrong();
    case variable_type::flag:
      if (auto flag = value.flag())
        return template_value{*flag};
      return wrong();
    case variable_type::list: {
      auto items = value.list();
      if (!items)
        return wrong();
      std::vector<std::string> texts;
      for (const auto& item : *items) {
        auto text = item.text();
        if (!text)
          return unexpected{std::move(text).error()};
        texts.push_back(*std::move(text));
      }
      return template_value{std::move(texts)};
    }
    case variable_type::records:
      if (auto items = value.list(); items && items->empty())
        return template_value{std::vector<template_value::record>{}};
      return value.fail("records have no default but []");
  }
  return wrong();
}

config_result<template_variable> read_variable(const std::string& name, const yaml_node& value) {
  template_variable made;
  if (value.is_scalar()) {
    auto type = read_type(value);
    if (!type)
      return unexpected{std::move(type).error()};
    made.type = *type;
  } else {
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
      auto read = read_default(*standard, made.type);
      if (!read)
        return unexpected{std::move(read).error()};
      made.standard = *std::move(read);
    }
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
    all.emplace(name, *std::move(read));
  }
  return all;
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
      std::vector<std::string> items;
      for (auto rest = text; !rest.empty();) {
        auto comma = std::min(rest.find(','), rest.size());
        items.emplace_back(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
      }
      return template_value{std::move(items)};
    }
    case variable_type::records:
      return unexpected{std::string{"records cannot be written in one line"}};
  }
  return wrong("a value");
}

} // namespace troupe
