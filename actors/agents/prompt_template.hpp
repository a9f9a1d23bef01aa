#pragma once

#include "config/base/result.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What is wrong with a template, and at which byte of its text.
struct prompt_error {
  std::size_t offset = 0;
  std::string message;
};

/// A text with variables, written `{{question}}`, split once when it is read. Variables are names
/// of lower-case letters, digits and `_`. A replacement is never searched for variables again.
class prompt_template {
public:
  prompt_template() = default;

  static outcome<prompt_template, prompt_error> parse(std::string_view text);

  struct variable {
    std::string called;
    std::size_t offset = 0; ///< in the template
  };
  const std::vector<variable>& variables() const noexcept { return variables_; }
  bool uses(std::string_view variable_name) const;

  /// Every variable must have a value; a missing one counts as empty.
  std::string fill(const std::map<std::string, std::string, std::less<>>& values) const;

private:
  std::vector<std::string> fixed_; ///< one more than variables: before, between and after them
  std::vector<variable> variables_;
};

} // namespace troupe
