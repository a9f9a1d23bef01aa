#pragma once

#include "actors/llm/api_reader.hpp"

#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// Reads a chat completion: `chat.completion.chunk` events up to `[DONE]`, or one document.
class openai_reader final : public api_reader {
public:
  using api_reader::api_reader;

private:
  /// One answer as far as it has come.
  struct draft {
    AnswerChoice said; ///< without parts
    std::string thinking;
    std::vector<ToolCall> calls;
    std::string tokens, refusal_tokens; ///< with their probabilities: elements of JSON lists
    bool is_finished = false;
  };

  result<bool> read_event(const sse_event& of, std::vector<Piece>& pieces) override;
  result<void> read_document(const json_value& body, std::vector<Piece>& pieces) override;
  result<ModelAnswer> take_answer() override;
  std::string_view last_event() const override { return "[DONE]"; }

  bool is_finished() const;
  void read(const json_value& body, const char* delta, std::vector<Piece>& pieces);
  void read_choice(const json_value& choice, const char* delta, std::vector<Piece>& pieces);
  void read_texts(const json_value& delta, std::uint32_t choice, std::vector<Piece>& pieces);
  void read_calls(const json_value& list, std::uint32_t choice, std::vector<Piece>& pieces);
  void read_call(const json_value& call, std::uint32_t choice, std::vector<Piece>& pieces);
  void read_usage(const json_value& usage);
  void keep_further(const json_value& body);
  void complain(std::string what);

  ModelAnswer answer_; ///< without what was said
  std::vector<draft> drafts_;
  std::vector<std::pair<std::string, std::string>> further_; ///< fields, and their JSON
  std::string wrong_; ///< the first thing in the bytes that cannot be
};

} // namespace troupe
