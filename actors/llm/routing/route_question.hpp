#pragma once

#include "actors/llm/routing/complexity.hpp"
#include "config/routes.hpp"
#include "messages/models.pb.h"

#include <cstdint>
#include <optional>

namespace troupe {

/// What a choice between models needs to know of a call.
struct route_question {
  task_type task = task_type::other;
  double complexity = 0;
  bool is_estimated = false;       ///< the caller said no number
  std::uint64_t input_tokens = 0;  ///< by `count_tokens`
  std::uint64_t output_tokens = 0; ///< that may come at most; 0: the caller does not bound it
  bool tools = false;
  bool images = false;
  bool json_schema = false;
};

/// Reads it from the call. `task` and `hardness` are what the caller says itself; otherwise both
/// are estimated from the last message of the user, as far as its words go.
route_question question_of(const ModelRequest& call, std::optional<task_type> task = {},
                           std::optional<double> hardness = {});

} // namespace troupe
