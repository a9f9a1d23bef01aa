#pragma once

#include "actors/llm/dialect.hpp"

#include <string>

namespace troupe {

/// Takes the answer to a request for embeddings as it comes: one document, in bounded memory. What
/// it was made with has to outlive it.
class vectors_reader final : public body_reader {
public:
  vectors_reader(const dialect& speaks, const EmbeddingRequest& what, const model_target& of)
      : speaks_(speaks), what_(what), of_(of) {}

  void head(const http_response_head& of) override;
  result<void> feed(std::string_view bytes, std::vector<Piece>& pieces) override;
  bool is_whole() const override { return false; } // its end is that of the transfer
  failure broken_off(const failure& why) const override;

  result<EmbeddingAnswer> finish() const;

private:
  const dialect& speaks_;
  const EmbeddingRequest& what_;
  model_target of_;
  unsigned status_ = 0;
  std::string content_type_, retry_after_;
  std::string body_;
};

} // namespace troupe
