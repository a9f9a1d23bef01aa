#pragma once

#include "actors/llm/routing/complexity.hpp"
#include "config/routes.hpp"
#include "messages/models.pb.h"

#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

/// Of an answer to a role that does not bound it, unless the class of its route says another
/// number.
inline constexpr std::uint32_t usual_output_tokens = 1000;

/// What a choice between models needs to know of a call.
struct route_question {
  task_type task = task_type::other;
  double complexity = 0;
  bool is_estimated = false;       ///< the caller said no number
  std::uint64_t input_tokens = 0;  ///< by `count_tokens`
  std::uint64_t output_tokens = 0; ///< that may come at most; 0: the caller does not bound it
  std::uint64_t usual_tokens = 0;  ///< that may come at most if neither it nor a class bounds it
  bool has_temperature = false;    ///< the caller says it
  bool tools = false;
  bool images = false;
  bool json_schema = false;
};

/// Reads it from the call. Its `task` and `complexity` count if it has them; otherwise both are
/// estimated from the last message of the user, as far as its words go.
route_question question_of(const ModelRequest& call);

/// What is wrong with the task and the complexity that a call says itself; nothing: they can be
/// used.
std::optional<std::string> mistake_in(const ModelRequest& call);

} // namespace troupe
