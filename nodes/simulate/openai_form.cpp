#include "nodes/simulate/openai_form.hpp"

#include "nodes/simulate/json_output.hpp"

#include <xxhash.h>

namespace troupe::openai_form {

namespace {

using end = simulated_answer::end;
using event = stream_step::event;
using choice = simulated_answer::choice;

constexpr std::size_t dimensions_usual = 1'536;
constexpr std::string_view null = "null";

std::string_view reason(end ends) {
  switch (ends) {
    case end::length:
      return "length";
    case end::tool_calls:
      return "tool_calls";
    case end::stop:
    case end::stop_text:
    case end::refusal:
      return "stop";
  }
  return "";
}

void append_usage(std::string& out, const simulated_answer& answer) {
  append_json(
      out, R"({"prompt_tokens":)", answer.input_tokens, R"(,"completion_tokens":)",
      answer.output_tokens, R"(,"total_tokens":)", answer.input_tokens + answer.output_tokens,
      R"(,"prompt_tokens_details":{"cached_tokens":)", answer.cached_tokens,
      R"(,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":)",
      answer.reasoning_tokens,
      R"(,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}})");
}

/// What begins an answer and each event.
void append_label(std::string& out, std::string_view object, const provider_request& request,
                  const answer_label& label) {
  append_json(out, R"({"id":"chatcmpl-)", label.id, R"(","object":")", object, R"(","created":)",
              label.created, R"(,"model":)");
  append_json_string(out, request.model);
  out += R"(,"service_tier":"default","system_fingerprint":"fp_simulated","choices":[)";
}

/// From -0.01 to about -1, by the token.
double logprob_of(std::string_view token) {
  return -0.01 - static_cast<double>(XXH3_64bits(token.data(), token.size()) % 100) / 100;
}

void append_token(std::string& out, std::string_view token) {
  out += R"({"token":)";
  append_json_string(out, token);
  append_json(out, R"(,"logprob":)", logprob_of(token), R"(,"bytes":[)");
  for (std::size_t i = 0; i < token.size(); ++i)
    append_json(out, i > 0 ? "," : "", static_cast<unsigned>(static_cast<unsigned char>(token[i])));
  out += ']';
}

void append_logprobs(std::string& out, const provider_request& request, std::string_view text) {
  out += R"({"content":[)";
  bool first = true;
  for (auto piece : token_pieces(text)) {
    out += std::exchange(first, false) ? "" : ",";
    append_token(out, piece);
    out += R"(,"top_logprobs":[)";
    for (std::uint64_t i = 0; i < request.top_logprobs; ++i) {
      out += i > 0 ? "," : "";
      append_token(out, i == 0 ? std::string{piece} : " other" + std::to_string(i));
      out += '}';
    }
    out += "]}";
  }
  out += R"(],"refusal":null})";
}

std::string call_id(const answer_label& label, std::size_t index, std::size_t tool) {
  return "call_" + label.id + "_" + std::to_string(index) + "_" + std::to_string(tool);
}

void append_message(std::string& out, const choice& one, const answer_label& label,
                    std::size_t index) {
  bool refused = one.ends == end::refusal;
  out += R"({"role":"assistant","content":)";
  if (refused || (one.text.empty() && !one.tools.empty()))
    out += null;
  else
    append_json_string(out, one.text);
  out += R"(,"refusal":)";
  if (refused)
    append_json_string(out, one.text);
  else
    out += null;
  if (!one.thought.empty()) {
    out += R"(,"reasoning_content":)";
    append_json_string(out, one.thought);
  }
  if (!one.tools.empty()) {
    out += R"(,"tool_calls":[)";
    for (std::size_t i = 0; i < one.tools.size(); ++i) {
      append_json(out, i > 0 ? "," : "", R"({"id":")", call_id(label, index, i),
                  R"(","type":"function","function":{"name":)");
      append_json_string(out, one.tools[i].name);
      out += R"(,"arguments":)";
      append_json_string(out, one.tools[i].arguments);
      out += "}}";
    }
    out += ']';
  }
  out += R"(,"annotations":[]})";
}

/// The delta of a step.
void append_delta(std::string& out, const stream_step& step, const choice& one,
                  const answer_label& label) {
  switch (step.what) {
    case event::begin:
      out += R"({"role":"assistant","content":"","refusal":null})";
      break;
    case event::thought:
      out += R"({"reasoning_content":)";
      append_json_string(out, step.piece);
      out += '}';
      break;
    case event::text:
      out += one.ends == end::refusal ? R"({"refusal":)" : R"({"content":)";
      append_json_string(out, step.piece);
      out += '}';
      break;
    case event::tool_begin:
      append_json(out, R"({"tool_calls":[{"index":)", step.tool, R"(,"id":")",
                  call_id(label, step.choice, step.tool),
                  R"(","type":"function","function":{"name":)");
      append_json_string(out, step.piece);
      out += R"(,"arguments":""}}]})";
      break;
    case event::tool:
      append_json(out, R"({"tool_calls":[{"index":)", step.tool, R"(,"function":{"arguments":)");
      append_json_string(out, step.piece);
      out += "}}]}";
      break;
    default:
      out += "{}";
  }
}

bool is_written(event what) {
  return what == event::begin || what == event::thought || what == event::text
         || what == event::tool_begin || what == event::tool || what == event::end;
}

void append_base64(std::string& out, std::string_view bytes) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? letters[group >> (18 - 6 * k) & 63] : '=';
  }
}

} // namespace

std::string whole(const provider_request& request, const simulated_answer& answer,
                  const answer_label& label) {
  std::string out;
  out.reserve(1'024);
  append_label(out, "chat.completion", request, label);
  for (std::size_t i = 0; i < answer.choices.size(); ++i) {
    const auto& one = answer.choices[i];
    append_json(out, i > 0 ? "," : "", R"({"index":)", i, R"(,"message":)");
    append_message(out, one, label, i);
    out += R"(,"logprobs":)";
    if (request.logprobs)
      append_logprobs(out, request, one.text);
    else
      out += null;
    append_json(out, R"(,"finish_reason":")", reason(one.ends), "\"}");
  }
  out += R"(],"usage":)";
  append_usage(out, answer);
  out += "}\n";
  return out;
}

void append_event(std::string& out, const stream_step& step, const provider_request& request,
                  const simulated_answer& answer, const answer_label& label) {
  if (step.what == event::done) {
    out += "data: [DONE]\n\n";
    return;
  }
  bool usage = step.what == event::usage;
  if (usage ? !request.stream_usage : !is_written(step.what))
    return;
  out += "data: ";
  append_label(out, "chat.completion.chunk", request, label);
  if (!usage) {
    const auto& one = answer.choices[step.choice];
    append_json(out, R"({"index":)", step.choice, R"(,"delta":)");
    append_delta(out, step, one, label);
    out += R"(,"logprobs":)";
    if (request.logprobs && step.what == event::text)
      append_logprobs(out, request, step.piece);
    else
      out += null;
    out += R"(,"finish_reason":)";
    if (step.what == event::end)
      append_json(out, "\"", reason(one.ends), "\"");
    else
      out += null;
    out += '}';
  }
  out += ']';
  if (request.stream_usage) {
    out += R"(,"usage":)";
    if (usage)
      append_usage(out, answer);
    else
      out += null;
  }
  out += "}\n\n";
}

std::string embeddings(const provider_request& request, std::uint64_t seed) {
  std::string out = R"({"object":"list","data":[)";
  auto size = request.dimensions > 0 ? request.dimensions : dimensions_usual;
  for (std::size_t i = 0; i < request.inputs.size(); ++i) {
    auto vector = vector_of(request.inputs[i].first, size, seed);
    append_json(out, i > 0 ? "," : "", R"({"object":"embedding","index":)", i, R"(,"embedding":)");
    if (request.base64) {
      out += '"';
      append_base64(
          out, {reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof vector[0]});
      out += '"';
    } else {
      for (std::size_t k = 0; k < vector.size(); ++k)
        append_json(out, k > 0 ? "," : "[", vector[k]);
      out += ']';
    }
    out += '}';
  }
  out += R"(],"model":)";
  append_json_string(out, request.model);
  append_json(out, R"(,"usage":{"prompt_tokens":)", request.input_tokens, R"(,"total_tokens":)",
              request.input_tokens, "}}\n");
  return out;
}

std::string error(const request_error& what) {
  auto text_or_null = [](std::string& out, const std::string& text) {
    if (text.empty())
      out += null;
    else
      append_json_string(out, text);
  };
  std::string out = R"({"error":{"message":)";
  append_json_string(out, what.message);
  append_json(out, R"(,"type":")", what.type, R"(","param":)");
  text_or_null(out, what.param);
  out += R"(,"code":)";
  text_or_null(out, what.code);
  return out + "}}\n";
}

std::string model(std::string_view id) {
  std::string out = R"({"id":)";
  append_json_string(out, id);
  return out + R"(,"object":"model","created":1735689600,"owned_by":"simulated"})";
}

std::string model_list(const std::vector<std::string>& models) {
  std::string out = R"({"object":"list","data":[)";
  for (const auto& one : models)
    append_json(out, &one == &models.front() ? "" : ",", model(one));
  return out + "]}\n";
}

} // namespace troupe::openai_form
