#pragma once

#include "actors/llm/dialect.hpp"
#include "actors/llm/json_text.hpp"
#include "actors/llm/sse_reader.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What all readers of answers have in common: which form the answer has, its limits, its end, and
/// the words for what goes wrong. What the events and the document mean is up to the API's reader.
class api_reader : public answer_reader {
public:
  api_reader(const ModelRequest& what, const model_target& of);

  void head(const http_response_head& of) final;
  result<void> feed(std::string_view bytes, std::vector<Piece>& pieces) final;
  bool is_whole() const final { return form_ == form::whole; }
  result<ModelAnswer> finish(std::vector<Piece>& pieces) final;
  failure broken_off(const failure& why) const final;

protected:
  /// One event. True: it was the last, and the answer is whole.
  virtual result<bool> read_event(const sse_event& of, std::vector<Piece>& pieces) = 0;
  /// The answer in one piece.
  virtual result<void> read_document(const json_value& body, std::vector<Piece>& pieces) = 0;
  /// The answer, when it is whole.
  virtual result<ModelAnswer> take_answer() = 0;
  /// What ends a stream, for messages.
  virtual std::string_view last_event() const = 0;

  /// Passes a piece on, if pieces are wanted.
  void pass_on(std::vector<Piece>& to, Piece piece);
  /// An object that says no error. `bytes` are quoted if it is none.
  result<json_value> read_object(std::string_view bytes) const;
  result<void> check_no_error(const json_value& object) const;
  unexpected<failure> malformed(const std::string& what, std::string_view bytes) const;
  unexpected<failure> fail_here(failure why) const;
  model_target target() const;

private:
  enum class form : std::uint8_t {
    unknown,  ///< the head has not come
    events,   ///< a stream of events
    document, ///< JSON in one piece
    error,    ///< the body says why there is no answer
    whole,    ///< of the stream, the last event has come
  };

  result<void> read_events(std::string_view bytes, std::vector<Piece>& pieces);
  result<void> read_body(std::vector<Piece>& pieces);
  std::string after_what() const;

  std::string model_, provider_;
  const key_hider* hider_;
  bool wants_pieces_;
  form form_ = form::unknown;
  unsigned status_ = 0;
  std::string content_type_;
  std::string retry_after_;
  std::size_t received_bytes_ = 0;
  std::size_t pieces_ = 0; ///< passed on
  sse_reader events_;
  std::string body_; ///< of a document or an error
};

/// The words of an API for why an answer ends, and what they mean.
struct finish_word {
  std::string_view word;
  Finish means;
};

} // namespace troupe
