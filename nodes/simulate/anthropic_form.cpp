#include "nodes/simulate/anthropic_form.hpp"

#include "nodes/simulate/json_output.hpp"

namespace troupe::anthropic_form {

namespace {

using end = simulated_answer::end;
using event = stream_step::event;
using choice = simulated_answer::choice;

/// A client must send it back as it is; nothing more is asked of it here.
constexpr std::string_view signature = "c2ltdWxhdGVkIHNpZ25hdHVyZQ==";

std::string_view reason(end ends) {
  switch (ends) {
    case end::stop:
      return "end_turn";
    case end::length:
      return "max_tokens";
    case end::stop_text:
      return "stop_sequence";
    case end::tool_calls:
      return "tool_use";
    case end::refusal:
      return "refusal";
  }
  return "";
}

/// The input that was in the cache, or is from now on, is not part of `input_tokens` here.
void append_usage(std::string& out, const simulated_answer& answer, std::uint64_t output) {
  append_json(out, R"({"input_tokens":)",
              answer.input_tokens - answer.cached_tokens - answer.cache_written_tokens,
              R"(,"cache_creation_input_tokens":)", answer.cache_written_tokens,
              R"(,"cache_read_input_tokens":)", answer.cached_tokens, R"(,"output_tokens":)",
              output, R"(,"service_tier":"standard"})");
}

void append_stop(std::string& out, const choice& one) {
  append_json(out, R"("stop_reason":")", reason(one.ends), R"(","stop_sequence":)");
  if (one.stop.empty())
    out += "null";
  else
    append_json_string(out, one.stop);
}

void append_head(std::string& out, const provider_request& request, const answer_label& label) {
  append_json(out, R"({"id":"msg_)", label.id, R"(","type":"message","role":"assistant","model":)");
  append_json_string(out, request.model);
  out += R"(,"content":[)";
}

std::string tool_id(const answer_label& label, std::size_t tool) {
  return "toolu_" + label.id + "_" + std::to_string(tool);
}

void append_blocks(std::string& out, const choice& one, const answer_label& label) {
  std::string_view comma;
  if (!one.thought.empty()) {
    out += R"({"type":"thinking","thinking":)";
    append_json_string(out, one.thought);
    append_json(out, R"(,"signature":")", signature, "\"}");
    comma = ",";
  }
  if (!one.text.empty()) {
    append_json(out, comma, R"({"type":"text","text":)");
    append_json_string(out, one.text);
    out += '}';
    comma = ",";
  }
  for (std::size_t i = 0; i < one.tools.size(); ++i) {
    append_json(out, comma, R"({"type":"tool_use","id":")", tool_id(label, i), R"(","name":)");
    append_json_string(out, one.tools[i].name);
    append_json(out, R"(,"input":)", one.tools[i].arguments, "}");
    comma = ",";
  }
}

/// The beginning of an event, up to its type.
void open_event(std::string& out, std::string_view type) {
  append_json(out, "event: ", type, "\ndata: {\"type\":\"", type, "\"");
}

void append_block_start(std::string& out, const stream_step& step, const answer_label& label) {
  open_event(out, "content_block_start");
  append_json(out, R"(,"index":)", step.block, R"(,"content_block":)");
  if (step.what == event::thought_begin) {
    out += R"({"type":"thinking","thinking":"","signature":""})";
  } else if (step.what == event::text_begin) {
    out += R"({"type":"text","text":""})";
  } else {
    append_json(out, R"({"type":"tool_use","id":")", tool_id(label, step.tool), R"(","name":)");
    append_json_string(out, step.piece);
    out += R"(,"input":{}})";
  }
  out += "}\n\n";
}

void append_delta(std::string& out, std::uint32_t block, std::string_view type,
                  std::string_view name, std::string_view piece) {
  open_event(out, "content_block_delta");
  append_json(out, R"(,"index":)", block, R"(,"delta":{"type":")", type, R"(",")", name, R"(":)");
  append_json_string(out, piece);
  out += "}}\n\n";
}

void append_start(std::string& out, const provider_request& request, const simulated_answer& answer,
                  const answer_label& label) {
  open_event(out, "message_start");
  out += R"(,"message":)";
  append_head(out, request, label);
  out += R"(],"stop_reason":null,"stop_sequence":null,"usage":)";
  append_usage(out, answer, 1);
  out += "}}\n\n";
  open_event(out, "ping");
  out += "}\n\n";
}

void append_end(std::string& out, const choice& one, const simulated_answer& answer) {
  open_event(out, "message_delta");
  out += R"(,"delta":{)";
  append_stop(out, one);
  out += R"(},"usage":)";
  append_usage(out, answer, answer.output_tokens);
  out += "}\n\n";
}

} // namespace

std::string whole(const provider_request& request, const simulated_answer& answer,
                  const answer_label& label) {
  std::string out;
  out.reserve(1'024);
  const auto& one = answer.choices.front();
  append_head(out, request, label);
  append_blocks(out, one, label);
  out += "],";
  append_stop(out, one);
  out += R"(,"usage":)";
  append_usage(out, answer, answer.output_tokens);
  out += "}\n";
  return out;
}

void append_event(std::string& out, const stream_step& step, const provider_request& request,
                  const simulated_answer& answer, const answer_label& label) {
  switch (step.what) {
    case event::begin:
      append_start(out, request, answer, label);
      break;
    case event::thought_begin:
    case event::text_begin:
    case event::tool_begin:
      append_block_start(out, step, label);
      break;
    case event::thought:
      append_delta(out, step.block, "thinking_delta", "thinking", step.piece);
      break;
    case event::text:
      append_delta(out, step.block, "text_delta", "text", step.piece);
      break;
    case event::tool:
      append_delta(out, step.block, "input_json_delta", "partial_json", step.piece);
      break;
    case event::thought_end:
      append_delta(out, step.block, "signature_delta", "signature", signature);
      [[fallthrough]];
    case event::text_end:
    case event::tool_end:
      open_event(out, "content_block_stop");
      append_json(out, R"(,"index":)", step.block, "}\n\n");
      break;
    case event::end:
      append_end(out, answer.choices[step.choice], answer);
      break;
    case event::usage:
      break; // it came with the end
    case event::done:
      open_event(out, "message_stop");
      out += "}\n\n";
      break;
  }
}

std::string count(const provider_request& request) {
  return "{\"input_tokens\":" + std::to_string(request.input_tokens) + "}\n";
}

std::string error(const request_error& what, const answer_label& label) {
  std::string_view type = what.type;
  if (what.status == 404)
    type = "not_found_error";
  else if (what.status == 401)
    type = "authentication_error";
  std::string out;
  append_json(out, R"({"type":"error","error":{"type":")", type, R"(","message":)");
  append_json_string(out, what.message);
  append_json(out, R"(},"request_id":"req_)", label.id, "\"}\n");
  return out;
}

std::string model(std::string_view id) {
  std::string out = R"({"type":"model","id":)";
  append_json_string(out, id);
  out += R"(,"display_name":)";
  append_json_string(out, id);
  return out + R"(,"created_at":"2025-01-01T00:00:00Z"})";
}

std::string model_list(const std::vector<std::string>& models) {
  std::string out = R"({"data":[)";
  for (const auto& one : models)
    append_json(out, &one == &models.front() ? "" : ",", model(one));
  out += R"(],"has_more":false,"first_id":)";
  append_json_string(out, models.empty() ? "" : models.front());
  out += R"(,"last_id":)";
  append_json_string(out, models.empty() ? "" : models.back());
  return out + "}\n";
}

} // namespace troupe::anthropic_form
