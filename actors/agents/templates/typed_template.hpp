#pragma once

#include "actors/agents/templates/template_reader.hpp"
#include "actors/agents/templates/template_value.hpp"
#include "actors/agents/templates/template_variables.hpp"
#include "config/base/result.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// A template with its values in it.
struct filled_template {
  std::string text;
  /// So many bytes at its beginning are the same in each call that gives the same variables: up to
  /// the first value that was given. A default counts as text of the template.
  std::size_t fixed_bytes = 0;
  /// The template's own text behind that, outside of loops: no provider keeps it.
  std::size_t fixed_behind = 0;
};

/// A prompt with typed variables, read and checked once (template_reader.hpp) and filled each time.
///
/// What depends on no variable is put together when it is read. The part of it at the beginning is
/// what providers keep in their prompt caches (Anthropic up to a `cache_control`, OpenAI the
/// longest common beginning). So instructions belong before documents and questions.
///
/// Values are texts: nothing in them is read as a mark.
class typed_template {
public:
  typed_template() = default;

  static outcome<typed_template, template_error> parse(std::string_view text,
                                                       const template_scope& scope);

  /// The error names a variable that has no value and no default, or one of another type. Values
  /// of variables that the template does not use are left aside.
  outcome<filled_template, std::string> fill(const template_values& values) const;

  /// Those that it uses.
  const template_variables& variables() const noexcept { return read_.variables; }
  bool uses(std::string_view variable) const { return read_.variables.contains(variable); }
  const std::set<std::string, std::less<>>& partials() const noexcept { return read_.partials; }

private:
  template_text read_;
};

/// Where that is for people: the line and column of the offset in `text`, both from 1.
std::pair<int, int> line_and_column(std::string_view text, std::size_t offset);

} // namespace troupe
