#pragma once

#include "actors/llm/dialect.hpp"

namespace troupe {

/// Anthropic's API: messages. The base URL may end with "/v1" or before it. It has no embeddings.
///
/// What is said otherwise than elsewhere:
/// - System messages come first of all, and become the field `system`.
/// - `max_tokens` is wanted: where the request has no limit, it is `anthropic_output_tokens`, and
///   those for thinking.
/// - `reasoning_effort` and the schema of the answer stand in `output_config`.
/// - Messages of the same role in a row become one; results of tools come first in it.
/// - A refusal that is sent back is text.
/// - The fixed part of a message (`fixed_bytes`) ends with a `cache_control`, if it is long enough.
class anthropic_dialect : public dialect {
public:
  result<http_request> ask(const ModelRequest& what, const model_target& of) const override;
  std::unique_ptr<answer_reader> reader(const ModelRequest& what,
                                        const model_target& of) const override;
  result<http_request> embed(const EmbeddingRequest& what, const model_target& of) const override;
  result<EmbeddingAnswer> read_embeddings(const EmbeddingRequest& what, const model_target& of,
                                          const http_response_head& head,
                                          std::string_view body) const override;
  std::string key_header(std::string_view key) const override;
};

} // namespace troupe
