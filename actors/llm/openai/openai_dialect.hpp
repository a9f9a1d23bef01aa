#pragma once

#include "actors/llm/dialect.hpp"

namespace troupe {

/// OpenAI's API: chat completions and embeddings, as OpenAI, Azure, Qwen, vLLM, llama.cpp, Ollama
/// and others serve it. The base URL ends before "/chat/completions".
///
/// What is said otherwise than elsewhere:
/// - `max_output_tokens` is `max_completion_tokens` at OpenAI and Azure, `max_tokens` elsewhere.
/// - A failed tool result has no field: its text begins with "Error: ".
/// - Thinking without a signature is `reasoning_content`, as the servers call it that have it;
///   with one it is Anthropic's, and an error.
/// - Results of tools come before the other parts of their message.
class openai_dialect : public dialect {
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
