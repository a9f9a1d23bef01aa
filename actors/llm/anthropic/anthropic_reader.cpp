#include "actors/llm/anthropic/anthropic_reader.hpp"

#include "actors/llm/json_fields.hpp"
#include "config/limits/dialects.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace troupe {

namespace {

constexpr std::array finish_words{
    finish_word{"end_turn", FINISH_STOP},
    finish_word{"stop_sequence", FINISH_STOP},
    finish_word{"max_tokens", FINISH_LENGTH},
    finish_word{"model_context_window_exceeded", FINISH_LENGTH},
    finish_word{"tool_use", FINISH_TOOL_CALLS},
    finish_word{"refusal", FINISH_REFUSED},
    finish_word{"pause_turn", FINISH_PAUSED},
};

/// What is read here of a message; all else is passed on.
constexpr std::array known_fields{"id",          "type",          "role",  "model", "content",
                                  "stop_reason", "stop_sequence", "usage", "error"};

Finish meaning_of(std::string_view reason) {
  for (const auto& each : finish_words)
    if (each.word == reason)
      return each.means;
  return FINISH_OTHER;
}

} // namespace

void anthropic_reader::complain(std::string what) {
  if (wrong_.empty())
    wrong_ = std::move(what);
}

/// The type stands in the data too; some servers name it nowhere else.
result<bool> anthropic_reader::read_event(const sse_event& of, std::vector<Piece>& pieces) {
  if (of.data.empty())
    return false;
  auto body = read_object(of.data);
  if (!body)
    return unexpected{std::move(body).error()};
  json_fields fields{*body, wrong_};
  auto type = fields.any("type") ? fields.text("type") : of.type;
  if (type == "message_start") {
    if (auto message = fields.object("message"))
      read_message(*message, pieces);
  } else if (type == "content_block_start") {
    if (auto from = fields.object("content_block"))
      begin_block(fields.count("index"), *from, pieces);
  } else if (type == "content_block_delta") {
    if (auto delta = fields.object("delta"))
      read_delta(fields.count("index"), *delta, pieces);
  } else if (type == "message_delta") {
    if (auto delta = fields.object("delta"))
      read_end(*delta);
    if (auto usage = fields.object("usage"))
      read_usage(*usage);
  } else if (type == "message_stop") {
    if (answer_.finish_reason().empty())
      complain("its end came before a `stop_reason`");
  } // all else is of later versions, or a ping
  if (!wrong_.empty())
    return malformed(wrong_, of.data);
  return type == "message_stop";
}

result<void> anthropic_reader::read_document(const json_value& body, std::vector<Piece>& pieces) {
  read_message(body, pieces);
  if (answer_.finish_reason().empty())
    complain("it has no `stop_reason`");
  if (!wrong_.empty())
    return malformed(wrong_, write_json(body).value_or(""));
  return {};
}

/// Its head at the start of a stream, or all of it.
void anthropic_reader::read_message(const json_value& message, std::vector<Piece>& pieces) {
  json_fields fields{message, wrong_};
  answer_.set_id(std::string{fields.text("id")});
  answer_.set_model(std::string{fields.text("model")});
  read_end(message);
  for (const auto& [name, value] : message.items())
    if (!value.is_null() && further_.size() < limits::answer_fields_max
        && std::find(known_fields.begin(), known_fields.end(), name) == known_fields.end())
      further_[name] = value;
  if (auto usage = fields.object("usage"))
    read_usage(*usage);
  if (auto content = fields.list("content"))
    for (const auto& each : *content) {
      if (!each.is_object())
        return complain("an element of `content` is no object");
      begin_block(blocks_.size(), each, pieces);
    }
}

void anthropic_reader::begin_block(std::uint64_t index, const json_value& from,
                                   std::vector<Piece>& pieces) {
  if (index != blocks_.size() || index >= limits::answer_parts_max)
    return complain("`index` of a block is not that of the next one");
  json_fields fields{from, wrong_};
  auto& made = blocks_.emplace_back();
  made.type = fields.text("type");
  if (made.type == "text") {
    add_text(made, fields.text("text"), pieces);
  } else if (made.type == "thinking") {
    made.part.mutable_thinking()->set_signature(std::string{fields.text("signature")});
    add_thinking(made, fields.text("thinking"), pieces);
  } else if (made.type == "redacted_thinking") {
    made.part.mutable_thinking()->set_redacted(std::string{fields.text("data")});
  } else if (made.type == "tool_use") {
    auto& call = *made.part.mutable_tool_call();
    call.set_id(std::string{fields.text("id")});
    call.set_name(std::string{fields.text("name")});
    made.call = calls_++;
    Piece piece;
    piece.mutable_tool_call()->set_index(made.call);
    piece.mutable_tool_call()->set_id(call.id());
    piece.mutable_tool_call()->set_name(call.name());
    pass_on(pieces, std::move(piece));
    if (auto input = fields.object("input"); input && !input->empty())
      add_input(made, write_json(*input).value_or(""), pieces);
  } else {
    made.unknown = write_json(from).value_or("{}");
  }
}

void anthropic_reader::read_delta(std::uint64_t index, const json_value& delta,
                                  std::vector<Piece>& pieces) {
  if (index >= blocks_.size())
    return complain("`index` of a delta is that of no block");
  auto& to = blocks_[index];
  json_fields fields{delta, wrong_};
  auto type = fields.text("type");
  if (type == "text_delta" && to.type == "text")
    add_text(to, fields.text("text"), pieces);
  else if (type == "thinking_delta" && to.type == "thinking")
    add_thinking(to, fields.text("thinking"), pieces);
  else if (type == "signature_delta" && to.type == "thinking")
    to.part.mutable_thinking()->mutable_signature()->append(fields.text("signature"));
  else if (type == "input_json_delta")
    add_input(to, fields.text("partial_json"), pieces);
}

void anthropic_reader::add_text(block& to, std::string_view text, std::vector<Piece>& pieces) {
  to.part.mutable_text()->append(text);
  if (text.empty())
    return;
  Piece piece;
  piece.set_text(std::string{text});
  pass_on(pieces, std::move(piece));
}

void anthropic_reader::add_thinking(block& to, std::string_view text, std::vector<Piece>& pieces) {
  to.part.mutable_thinking()->mutable_text()->append(text);
  if (text.empty())
    return;
  Piece piece;
  piece.set_thinking(std::string{text});
  pass_on(pieces, std::move(piece));
}

void anthropic_reader::add_input(block& to, std::string_view json, std::vector<Piece>& pieces) {
  to.input += json;
  if (json.empty() || to.type != "tool_use")
    return;
  Piece piece;
  piece.mutable_tool_call()->set_index(to.call);
  piece.mutable_tool_call()->set_arguments(std::string{json});
  pass_on(pieces, std::move(piece));
}

void anthropic_reader::read_end(const json_value& delta) {
  json_fields fields{delta, wrong_};
  if (auto reason = fields.text("stop_reason"); !reason.empty()) {
    answer_.set_finish_reason(std::string{reason});
    answer_.set_finish(meaning_of(reason));
  }
  if (auto sequence = fields.text("stop_sequence"); !sequence.empty())
    stop_sequence_ = sequence;
}

/// Counts so far: a later one replaces an earlier one, and one that is absent leaves it.
void anthropic_reader::read_usage(const json_value& usage) {
  json_fields fields{usage, wrong_};
  if (fields.any("input_tokens"))
    new_tokens_ = fields.count("input_tokens");
  if (fields.any("cache_read_input_tokens"))
    answer_.set_cached_tokens(fields.count("cache_read_input_tokens"));
  if (fields.any("cache_creation_input_tokens"))
    answer_.set_cache_written_tokens(fields.count("cache_creation_input_tokens"));
  if (fields.any("output_tokens"))
    answer_.set_output_tokens(fields.count("output_tokens"));
  if (auto tier = fields.any("service_tier"); tier && tier->is_string())
    answer_.set_service_tier(tier->get_ref<const std::string&>());
  answer_.set_input_tokens(new_tokens_ + answer_.cached_tokens() + answer_.cache_written_tokens());
}

result<ModelAnswer> anthropic_reader::take_answer() {
  bool is_text_alone = true;
  for (auto& each : blocks_) {
    is_text_alone = is_text_alone && each.type == "text";
    if (each.type == "text") {
      answer_.mutable_text()->append(each.part.text());
    } else if (each.type == "tool_use") {
      each.part.mutable_tool_call()->set_arguments(each.input.empty() ? "{}" : each.input);
    } else if (!each.unknown.empty()) {
      auto whole = parse_json_object(each.unknown);
      auto input = each.input.empty() ? outcome<json_value, std::string>{json_value::object()}
                                      : parse_json(each.input);
      if (!whole || !input)
        return malformed("the input of a block " + in_quotes(each.type), each.input);
      if (!each.input.empty())
        (*whole)["input"] = std::move(*input);
      each.part.set_passed_on(write_json(*whole).value_or("{}"));
    }
  }
  if (!is_text_alone)
    for (auto& each : blocks_)
      *answer_.add_parts() = std::move(each.part);
  if (answer_.finish() == FINISH_REFUSED)
    answer_.set_refusal(answer_.text());
  if (!stop_sequence_.empty())
    further_["stop_sequence"] = stop_sequence_;
  if (!further_.empty())
    answer_.set_passed_on(write_json(further_).value_or(std::string{}));
  return std::move(answer_);
}

} // namespace troupe
