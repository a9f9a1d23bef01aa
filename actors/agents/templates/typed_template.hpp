#pragma once

#include "actors/agents/templates/template_reader.hpp"
#include "actors/agents/templates/template_value.hpp"
#include "actors/agents/templates/template_variables.hpp"
#include "config/base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// A prompt with typed variables, read and checked once (template_reader.hpp) and filled each time.
///
/// What depends on no variable is put together when it is read. The part of it at the beginning is
/// what providers keep in their prompt caches (Anthropic up to a `cache_control`, OpenAI the
/// longest common beginning): `fixed_first` says how long it is. So instructions belong before
/// documents and questions.
///
/// Values are texts: nothing in them is read as a mark.
class typed_template {
public:
  static outcome<typed_template, template_error> parse(std::string_view text,
                                                       const template_variables& declared,
                                                       const template_partials& partials = {});

  /// The error names a variable that has no value and no default, one of another type, or one that
  /// is not declared.
  outcome<std::string, std::string> fill(const template_values& values) const;

  /// The bytes at the beginning that are the same in each call.
  std::size_t fixed_first() const noexcept;
  /// All that are the same in each call, wherever they stand; a loop's are not counted.
  std::size_t fixed_bytes() const noexcept;

private:
  outcome<template_values, std::string> complete(const template_values& given) const;

  std::vector<template_part> parts_;
  template_variables declared_;
};

/// Where that is for people: the line and column of the offset in `text`, both from 1.
std::pair<int, int> line_and_column(std::string_view text, std::size_t offset);

} // namespace troupe
