#pragma once

#include "config/safety_policy.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace troupe {

/// Where something was found; never what.
struct safety_finding {
  safety_check check = safety_check::secret;
  std::size_t begin = 0, end = 0; ///< bytes
  std::string_view what;          ///< "GitHub token": a literal

  bool operator==(const safety_finding&) const = default;
};

using safety_findings = std::vector<safety_finding>;

/// Letters, digits and `_`, also those above ASCII: what a word or a number must not touch.
constexpr bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
         || static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool is_digit_byte(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter_byte(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

} // namespace troupe
