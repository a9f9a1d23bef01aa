#pragma once

#include "actors/agents/mind.hpp"
#include "actors/agents/templates/typed_template.hpp"
#include "messages/models.pb.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// Nothing if a prompt may hold that much text; otherwise a failure that says what is too long.
std::optional<failure> too_long(std::string_view what, std::size_t bytes);

/// How much of a conversation an agent keeps, and sends to the model with each message.
struct history_limits {
  std::uint32_t turns = 0;  ///< 0: none
  std::uint64_t tokens = 0; ///< of all of them, by `count_tokens`
};

/// The prompts of a role, by name.
using prompt_map = std::map<std::string, typed_template, std::less<>>;

/// What a role lets its mind say: the prompts of its file, read, and the model to send them to.
struct script {
  std::string role_name;
  std::string model;
  std::uint32_t output_tokens_max = 0;
  prompt_map prompts;
  history_limits history = {};
  PieceUnit unit = UNIT_AS_IT_COMES; ///< what streamed answers are cut into
  std::string task = {};             ///< what its calls are for, to a route; empty: estimated
  template_variables variables = {}; ///< that the role declares

  /// Whether that is a prompt to which the model answers.
  bool asks(std::string_view prompt_name) const {
    return prompt_name != "system" && prompts.contains(prompt_name);
  }

  using values = template_values;

  /// The prompt of that name, filled in, after the role's `system` prompt if it has one. Says how
  /// much of them is the same in many calls (ChatMessage.fixed_bytes). `invalid_argument`: a
  /// variable has no value, or one of another type.
  result<ModelRequest> say(std::string_view prompt_name, const values& with) const;
};

} // namespace troupe
