#include "actors/agents/contents.hpp"

#include "config/limits/telemetry.hpp"
#include "telemetry/span.hpp"
#include "telemetry/text_escape.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace troupe {

namespace {

/// {"role":"user","parts":[{"type":"text","content":"..."}]}
void append_message(std::string& to, std::string_view role, std::string_view text) {
  to += R"({"role":")";
  append_json_escaped(to, role);
  to += R"(","parts":[{"type":"text","content":")";
  append_json_escaped(to, text.substr(0, limits::span_text_bytes_max)); // more is cut anyway
  to += R"("}])";
}

} // namespace

void set_input(SpanData& chat, const ModelRequest& asked) {
  std::string json = "[";
  for (const auto& message : asked.messages()) {
    if (json.size() > limits::span_text_bytes_max)
      break;
    if (json.size() > 1)
      json += ",";
    append_message(json, message.role(), message.content());
    json += "}";
  }
  set(chat, attr::input_messages, json + "]");
}

void set_output(SpanData& chat, const ModelAnswer& answer) {
  std::string json = "[";
  append_message(json, "assistant", answer.text());
  json += R"(,"finish_reason":")";
  append_json_escaped(json, answer.finish_reason());
  set(chat, attr::output_messages, json + R"("}])");
}

} // namespace troupe
