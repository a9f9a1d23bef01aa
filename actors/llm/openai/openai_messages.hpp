#pragma once

#include "actors/llm/dialect.hpp"
#include "actors/llm/json_text.hpp"

namespace troupe {

/// The messages of a request, as OpenAI's API wants them.
result<json_value> openai_messages(const ModelRequest& what, const model_target& of);

} // namespace troupe
