#include "actors/llm/vectors_reader.hpp"

#include "actors/llm/api_error.hpp"
#include "config/limits/dialects.hpp"
#include "config/limits/models.hpp"

namespace troupe {

void vectors_reader::head(const http_response_head& of) {
  status_ = of.status;
  content_type_ = of.content_type.substr(0, limits::quoted_bytes_max);
  retry_after_ = of.retry_after.substr(0, limits::quoted_bytes_max);
}

result<void> vectors_reader::feed(std::string_view bytes, std::vector<Piece>&) {
  if (body_.size() + bytes.size() > limits::model_answer_bytes_max) {
    body_ = {};
    return fail(ec::too_large, "the vectors of " + std::string{of_.provider} + " have more than "
                                   + std::to_string(limits::model_answer_bytes_max / limits::mib)
                                   + " MiB: ask for fewer texts at once");
  }
  body_ += bytes;
  return {};
}

failure vectors_reader::broken_off(const failure& why) const {
  if (status_ != 0 && !is_good(status_) && !body_.empty())
    if (auto said = finish(); !said)
      return std::move(said).error();
  return {why.code, "the answer of " + std::string{of_.provider} + " broke off: " + why.message};
}

result<EmbeddingAnswer> vectors_reader::finish() const {
  if (status_ == 0)
    return fail(ec::provider_failed,
                std::string{of_.provider} + " closed the connection without an answer");
  return speaks_.read_embeddings(what_, of_, {status_, content_type_, retry_after_}, body_);
}

} // namespace troupe
