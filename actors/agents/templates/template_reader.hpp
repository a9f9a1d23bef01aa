#pragma once

#include "actors/agents/templates/template_variables.hpp"
#include "config/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What is wrong with a template, in which text and at which byte of it.
struct template_error {
  std::string partial; ///< empty: the template itself
  std::size_t offset = 0;
  std::string message;
};

/// A piece of a template that was read.
struct template_part {
  enum class syntax : std::uint8_t {
    fixed,    ///< `text` as it is
    variable, ///< the value of `text`
    field,    ///< the field `text` of the thing of the loop `of`
    loop,     ///< `inside`, once for each thing of the list `text`; it is called `of` there
  };
  syntax kind = syntax::fixed;
  std::string text;
  std::string of;
  std::vector<template_part> inside;
};

/// Texts that templates share, by name.
using template_partials = std::map<std::string, std::string, std::less<>>;

/// What a template may use.
struct template_scope {
  template_variables variables;
  template_partials partials;
  bool others_are_texts = false; ///< a variable that is not declared is a text without a default
};

/// A template that was read.
struct template_text {
  std::vector<template_part> parts;
  template_variables variables;                ///< those that it uses
  std::set<std::string, std::less<>> partials; ///< the same
};

/// Reads a template:
///
///     text     = { fixed | "{{" mark "}}" }
///     mark     = name                       a variable; in a loop also the thing itself
///              | name "." name              a field of a thing of a loop over records
///              | "#each" name "as" name     up to "{{/each}}"
///              | ">" name                   a partial, read as if it stood here
///              | "!" anything               nothing: a comment
///
/// Everything is checked here: that each variable is declared, that lists are looped over and texts
/// are not, that fields exist, that partials exist and do not contain themselves. A line that has
/// nothing but a mark of a loop, partial or comment leaves no blank line. Errors are at a "{{".
outcome<template_text, template_error> read_template(std::string_view text,
                                                     const template_scope& scope);

} // namespace troupe
