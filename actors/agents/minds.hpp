#pragma once

#include "actors/agents/mind.hpp"
#include "actors/agents/script.hpp"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace troupe {

/// What a role file must contain for one kind of mind, and how that mind is made.
struct mind_kind {
  struct prompt_rule {
    std::string_view called;
    std::vector<std::string_view> must_use; ///< variables
    std::vector<std::string_view> may_use;
  };

  std::string_view called;
  /// Another version asks something else when it hears the same, or asks it in another order. Tasks
  /// with steps of another version wait for it (docs/decisions/0034-versions.md), so it is raised
  /// with each such change, and with no other.
  std::uint32_t version = 1;
  std::vector<prompt_rule>
      prompts; ///< all of them are required; `system`, with declared variables, may be added
  bool more_prompts = false; ///< any further ones, whose answers stand in for variables of others
  bool uses_fields = false; ///< prompts may also use the fields of the task's input, under any name
  bool talks = false;       ///< takes messages
  bool works = false;       ///< takes tasks
  bool remembers = false;   ///< has a state that can be durable
  bool converses = false;   ///< has one if the role gives it a `history`
  bool cheap = false;       ///< its tasks take microseconds
  bool reads_input = true;  ///< of tasks
  std::unique_ptr<mind> (*make)(const std::shared_ptr<const script>& says) = nullptr;
};

/// All kinds of mind, by name.
const std::vector<mind_kind>& mind_kinds();

} // namespace troupe
