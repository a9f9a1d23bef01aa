#pragma once

#include "actors/llm/api_reader.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// Reads a message of Anthropic's API: events from `message_start` to `message_stop`, or one
/// document.
class anthropic_reader final : public api_reader {
public:
  using api_reader::api_reader;

private:
  /// A block of the content as far as it has come.
  struct block {
    MessagePart part;
    std::string type;       ///< as the API calls it
    std::string input;      ///< of a tool: JSON text
    std::string unknown;    ///< the whole block, of a type that Troupe does not know
    std::uint32_t call = 0; ///< of a tool call: which one it is
  };

  result<bool> read_event(const sse_event& of, std::vector<Piece>& pieces) override;
  result<void> read_document(const json_value& body, std::vector<Piece>& pieces) override;
  result<ModelAnswer> take_answer() override;
  std::string_view last_event() const override { return "message_stop"; }

  void read_message(const json_value& message, std::vector<Piece>& pieces);
  void begin_block(std::uint64_t index, const json_value& from, std::vector<Piece>& pieces);
  void read_delta(std::uint64_t index, const json_value& delta, std::vector<Piece>& pieces);
  void add_text(block& to, std::string_view text, std::vector<Piece>& pieces);
  void add_thinking(block& to, std::string_view text, std::vector<Piece>& pieces);
  void add_input(block& to, std::string_view json, std::vector<Piece>& pieces);
  void read_end(const json_value& delta);
  void read_usage(const json_value& usage);
  void complain(std::string what);

  ModelAnswer answer_; ///< without what was said
  std::vector<block> blocks_;
  std::uint32_t calls_ = 0;
  std::uint64_t new_tokens_ = 0; ///< of the input: neither read from a cache nor written into it
  std::string stop_sequence_;
  json_value further_; ///< fields of the message that Troupe does not know
  std::string wrong_;  ///< the first thing in the bytes that cannot be
};

} // namespace troupe
