#pragma once

#include "actors/llm/dialect.hpp"
#include "actors/llm/json_text.hpp"

#include <nlohmann/json.hpp>

namespace troupe {

struct anthropic_conversation {
  json_value system;   ///< a text, a list of blocks, or null
  json_value messages; ///< of users and assistants in turn
};

/// The messages of a request, as Anthropic's API wants them.
result<anthropic_conversation> anthropic_messages(const ModelRequest& what, const model_target& of);

} // namespace troupe
