#include "actors/agents/templates/typed_template.hpp"

#include "config/suggest.hpp"

#include <algorithm>
#include <map>

namespace troupe {

namespace {

using syntax = template_part::syntax;

/// The things of the loops that are being gone through, by the name that they have there.
struct current_things {
  std::map<std::string_view, const std::string*> texts;
  std::map<std::string_view, const template_value::record*> records;
};

void append(std::string& to, const std::vector<template_part>& parts, const template_values& values,
            current_things& now);

void append_loop(std::string& to, const template_part& loop, const template_values& values,
                 current_things& now) {
  const auto& things = values.find(loop.text)->second.content;
  if (auto texts = std::get_if<std::vector<std::string>>(&things))
    for (const auto& one : *texts) {
      now.texts[loop.of] = &one;
      append(to, loop.inside, values, now);
    }
  if (auto records = std::get_if<std::vector<template_value::record>>(&things))
    for (const auto& one : *records) {
      now.records[loop.of] = &one;
      append(to, loop.inside, values, now);
    }
}

void append(std::string& to, const std::vector<template_part>& parts, const template_values& values,
            current_things& now) {
  for (const auto& part : parts)
    switch (part.kind) {
      case syntax::fixed:
        to += part.text;
        break;
      case syntax::variable:
        to += values.find(part.text)->second.text();
        break;
      case syntax::field:
        if (part.text.empty())
          to += *now.texts.at(part.of);
        else
          to += now.records.at(part.of)->find(part.text)->second;
        break;
      case syntax::loop:
        append_loop(to, part, values, now);
        break;
    }
}

/// Why a value cannot be that of the variable, or nothing.
std::string why_not(const template_variable& of, const template_value& value) {
  if (value.type() != of.type)
    return "is of type " + std::string{to_string(value.type())} + ", and "
           + std::string{to_string(of.type)} + " is wanted";
  if (auto records = std::get_if<std::vector<template_value::record>>(&value.content))
    for (const auto& one : *records)
      for (const auto& field : of.fields)
        if (!one.contains(field))
          return "lacks the field \"" + field + "\" in one of its records";
  return {};
}

} // namespace

outcome<typed_template, template_error> typed_template::parse(std::string_view text,
                                                              const template_variables& declared,
                                                              const template_partials& partials) {
  auto parts = read_template_parts(text, declared, partials);
  if (!parts)
    return unexpected{std::move(parts).error()};
  typed_template made;
  made.parts_ = *std::move(parts);
  made.declared_ = declared;
  return made;
}

outcome<template_values, std::string> typed_template::complete(const template_values& given) const {
  auto all = given;
  for (const auto& [called, value] : given) {
    auto known = declared_.find(called);
    if (known == declared_.end()) {
      std::vector<std::string_view> names;
      for (const auto& [name, variable] : declared_)
        names.push_back(name);
      return unexpected{"there is no variable \"" + called + "\"" + did_you_mean(called, names)};
    }
    if (auto why = why_not(known->second, value); !why.empty())
      return unexpected{std::string{"the variable \""}.append(called).append("\" ").append(why)};
  }
  for (const auto& [called, variable] : declared_) {
    if (all.contains(called))
      continue;
    if (!variable.standard)
      return unexpected{"the variable \"" + called + "\" has no value"};
    all.emplace(called, *variable.standard);
  }
  return all;
}

outcome<std::string, std::string> typed_template::fill(const template_values& values) const {
  auto all = complete(values);
  if (!all)
    return unexpected{std::move(all).error()};
  std::string filled;
  current_things now;
  append(filled, parts_, *all, now);
  return filled;
}

std::size_t typed_template::fixed_first() const noexcept {
  return parts_.empty() || parts_.front().kind != syntax::fixed ? 0 : parts_.front().text.size();
}

std::size_t typed_template::fixed_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const auto& part : parts_)
    if (part.kind == syntax::fixed)
      bytes += part.text.size();
  return bytes;
}

std::pair<int, int> line_and_column(std::string_view text, std::size_t offset) {
  auto before = text.substr(0, offset);
  auto line = 1 + std::count(before.begin(), before.end(), '\n');
  auto column = before.size() - (before.rfind('\n') + 1) + 1;
  return {static_cast<int>(line), static_cast<int>(column)};
}

} // namespace troupe
