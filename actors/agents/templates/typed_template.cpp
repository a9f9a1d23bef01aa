#include "actors/agents/templates/typed_template.hpp"

#include "config/limits/templates.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace troupe {

namespace {

using syntax = template_part::syntax;
using parts_of_template = std::vector<template_part>;

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

/// Puts a template and its values together.
class template_filler {
public:
  template_filler(const template_variables& declared, const template_values& given)
      : declared_(declared), given_(given) {}

  outcome<filled_template, std::string> fill(const parts_of_template& parts) {
    for (const auto& [called, variable] : declared_)
      if (auto why = find(called, variable); !why.empty())
        return unexpected{std::string{"the variable \""}.append(called).append("\" ").append(why)};
    add(parts);
    if (is_too_long_)
      return unexpected{"the text would have more than "
                        + std::to_string(limits::filled_template_bytes_max) + " bytes"};
    if (!has_given_)
      made_.fixed_bytes = made_.text.size();
    return std::move(made_);
  }

private:
  struct used_value {
    const template_value* value = nullptr;
    bool is_given = false; ///< otherwise the default
  };

  std::string find(std::string_view called, const template_variable& variable) {
    if (auto found = given_.find(called); found != given_.end()) {
      values_[called] = {&found->second, true};
      return why_not(variable, found->second);
    }
    if (!variable.standard)
      return "has no value";
    values_[called] = {&*variable.standard, false};
    return {};
  }

  void add(const parts_of_template& parts) {
    for (const auto& part : parts)
      if (has_room())
        add(part);
  }

  /// Each step counts, so that loops in loops come to an end that say nothing.
  bool has_room() {
    is_too_long_ = is_too_long_ || ++steps_ + made_.text.size() > limits::filled_template_bytes_max;
    return !is_too_long_;
  }

  void add(const template_part& part) {
    switch (part.kind) {
      case syntax::fixed:
        made_.text += part.text;
        if (has_given_ && loops_ == 0)
          made_.fixed_behind += part.text.size();
        break;
      case syntax::variable:
        add(use(part.text));
        break;
      case syntax::field:
        made_.text +=
            part.text.empty() ? *texts_.at(part.of) : records_.at(part.of)->find(part.text)->second;
        break;
      case syntax::loop:
        add_loop(part);
        break;
    }
  }

  void add(const template_value& value) {
    if (auto words = std::get_if<std::string>(&value.content))
      made_.text += *words;
    else
      made_.text += value.text();
  }

  /// What was fixed ends before the first value that was given.
  const template_value& use(const std::string& called) {
    const auto& used = values_.at(called);
    if (used.is_given && !has_given_) {
      has_given_ = true;
      made_.fixed_bytes = made_.text.size();
    }
    return *used.value;
  }

  void add_loop(const template_part& loop) {
    const auto& things = use(loop.text).content;
    ++loops_;
    if (auto texts = std::get_if<std::vector<std::string>>(&things))
      for (const auto& one : *texts) {
        if (!has_room())
          break;
        texts_[loop.of] = &one;
        add(loop.inside);
      }
    if (auto records = std::get_if<std::vector<template_value::record>>(&things))
      for (const auto& one : *records) {
        if (!has_room())
          break;
        records_[loop.of] = &one;
        add(loop.inside);
      }
    --loops_;
  }

  const template_variables& declared_;
  const template_values& given_;
  std::map<std::string_view, used_value> values_;
  /// The things of the loops that are being gone through, by the name that they have there.
  std::map<std::string_view, const std::string*> texts_;
  std::map<std::string_view, const template_value::record*> records_;
  filled_template made_;
  std::size_t steps_ = 0;
  std::size_t loops_ = 0; ///< in each other
  bool has_given_ = false;
  bool is_too_long_ = false;
};

} // namespace

outcome<typed_template, template_error> typed_template::parse(std::string_view text,
                                                              const template_scope& scope) {
  auto read = read_template(text, scope);
  if (!read)
    return unexpected{std::move(read).error()};
  typed_template made;
  made.read_ = *std::move(read);
  return made;
}

outcome<filled_template, std::string> typed_template::fill(const template_values& values) const {
  return template_filler{read_.variables, values}.fill(read_.parts);
}

std::pair<int, int> line_and_column(std::string_view text, std::size_t offset) {
  auto before = text.substr(0, offset);
  auto line = 1 + std::count(before.begin(), before.end(), '\n');
  auto column = before.size() - (before.rfind('\n') + 1) + 1;
  return {static_cast<int>(line), static_cast<int>(column)};
}

} // namespace troupe
