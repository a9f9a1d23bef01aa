#pragma once

#include "actors/llm/safety/phrase_finder.hpp"
#include "actors/llm/safety/placeholders.hpp"
#include "actors/llm/safety/safety_finding.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// What is done about each thing that may be found, in one direction: towards a model, or back.
struct safety_rules {
  std::array<safety_action, safety_checks> actions{};
  std::size_t bytes_max = 0;                   ///< of `safety_check::size`; 0: any
  std::shared_ptr<const phrase_finder> denied; ///< null: there is no list

  safety_action action_of(safety_check check) const {
    return actions[static_cast<std::size_t>(check)];
  }
  void set(safety_check check, safety_action action) {
    actions[static_cast<std::size_t>(check)] = action;
  }
  bool is_off() const;
};

/// How often each thing was found: for metrics and the trace, which never hear what.
using safety_counts = std::array<std::uint32_t, safety_checks>;

/// What came of a check.
struct safety_outcome {
  std::string text; ///< to be used instead; empty if it is blocked
  safety_counts found{};
  std::optional<safety_check> blocked_by;
  std::string why; ///< for people, if it is blocked: what was found, and where; not its text
};

/// All that `rules` search for in `text` but its size, in order. Those to be masked do not overlap:
/// where they did, one of the kind that `safety_check` lists first spans all of them. Others may
/// overlap. The first `before` bytes were searched before: they are only what words touch. Pure; 8
/// KiB take less than a millisecond.
safety_findings scan(std::string_view text, const safety_rules& rules, std::size_t before = 0);
/// Where something may have begun that goes on behind the end of `text`; its size if nothing has.
/// Whoever searches on from there finds what he would find in the whole text.
std::size_t open_from(std::string_view text, const safety_rules& rules);

/// Whether `safety_check::size` finds something in a text of so many bytes.
bool is_too_long(std::size_t bytes, const safety_rules& rules);
/// Where it does, for people.
std::string too_long_text(const safety_rules& rules, std::size_t offset = 0);

/// Checks a whole text. Masked values become placeholders of `masked`. The text begins at byte
/// `offset` of what people know it by.
safety_outcome check_text(std::string_view text, const safety_rules& rules, placeholders& masked,
                          std::size_t offset = 0);

/// `text` with the findings from `first` on masked as the rules say; `offset` is that of `text` in
/// what was scanned.
std::string with_masks(std::string_view text, std::size_t offset, const safety_findings& found,
                       const safety_rules& rules, placeholders& masked);

/// "GitHub token at byte 17"; `offset` is added to its place.
std::string place_text(const safety_finding& found, std::size_t offset = 0);

} // namespace troupe
