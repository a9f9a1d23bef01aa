#include "nodes/simulate/strict_field.hpp"

#include <algorithm>

/// What OpenAI's API refuses, as far as its reference says so.
namespace troupe {

namespace {

using json_form = strict_field::json_form;

constexpr strict_field chat_fields[] = {
    {"model", json_form::text},
    {"messages", json_form::list},
    {"stream", json_form::flag},
    {"stream_options", json_form::object},
    {"temperature", json_form::number, 0, 2},
    {"top_p", json_form::number, 0, 1},
    {"n", json_form::count, 1, 128},
    {"max_tokens", json_form::count, 1},
    {"max_completion_tokens", json_form::count, 1},
    {"stop", json_form::text_or_list},
    {"seed", json_form::count, -9.3e18, 9.3e18},
    {"presence_penalty", json_form::number, -2, 2},
    {"frequency_penalty", json_form::number, -2, 2},
    {"logit_bias", json_form::object},
    {"logprobs", json_form::flag},
    {"top_logprobs", json_form::count, 0, 20},
    {"response_format", json_form::object},
    {"tools", json_form::list},
    {"tool_choice"},
    {"parallel_tool_calls", json_form::flag},
    {"reasoning_effort", json_form::text},
    {"verbosity", json_form::text},
    {"service_tier", json_form::text},
    {"user", json_form::text},
    {"safety_identifier", json_form::text},
    {"prompt_cache_key", json_form::text},
    {"store", json_form::flag},
    {"metadata", json_form::object},
    {"modalities", json_form::list},
    {"prediction", json_form::object},
    {"audio", json_form::object},
    {"web_search_options", json_form::object},
};
constexpr strict_field embedding_fields[] = {
    {"model", json_form::text},          {"input", json_form::text_or_list},
    {"dimensions", json_form::count, 1}, {"encoding_format", json_form::text},
    {"user", json_form::text},
};
constexpr std::string_view unknown = "Unrecognized request argument supplied: ";
constexpr std::size_t stops_max = 4;

std::string at_message(std::size_t i) { return "messages.[" + std::to_string(i) + "]"; }

/// The ids of the calls that an assistant's message makes.
std::vector<std::string_view> calls_of(const json_element& message) {
  std::vector<std::string_view> ids;
  if (auto calls = field_of(message, "tool_calls"); calls && calls->is_array())
    for (auto call : json_array(*calls))
      ids.push_back(text_at(call, "id"));
  return ids;
}

/// Results of tools follow the message that called them, one for each call.
checked check_order(const json_array& messages) {
  std::vector<std::string_view> open;
  std::size_t i = 0;
  for (auto message : messages) {
    auto role = text_at(message, "role");
    auto place = at_message(i++);
    if (role == "tool") {
      auto called = std::find(open.begin(), open.end(), text_at(message, "tool_call_id"));
      if (called == open.end())
        return wrong("Invalid parameter: messages with role 'tool' must be a response to a "
                     "preceeding message with 'tool_calls'.",
                     place + ".role");
      open.erase(called);
      continue;
    }
    if (!open.empty())
      return wrong("An assistant message with 'tool_calls' must be followed by tool messages "
                   "responding to each 'tool_call_id'.",
                   place + ".role");
    if (role == "assistant")
      open = calls_of(message);
  }
  if (!open.empty())
    return wrong("An assistant message with 'tool_calls' must be followed by tool messages "
                 "responding to each 'tool_call_id'.",
                 "messages");
  return {};
}

checked check_messages(const json_array& messages) {
  constexpr std::string_view roles[] = {"system", "developer", "user", "assistant", "tool"};
  std::size_t i = 0;
  for (auto message : messages) {
    auto place = at_message(i++);
    auto role = text_at(message, "role");
    if (std::find(std::begin(roles), std::end(roles), role) == std::end(roles))
      return wrong("Invalid value: '" + std::string{role}
                       + "'. Supported values are: 'system', 'developer', 'user', 'assistant' and "
                         "'tool'.",
                   place + ".role");
    auto content = field_of(message, "content");
    bool has_content = content && (content->is_string() || content->is_array());
    if (!has_content && !(role == "assistant" && !calls_of(message).empty()))
      return wrong("Invalid value for 'content': expected a string or an array, got null.",
                   place + ".content");
  }
  return check_order(messages);
}

checked check_tools(const json_object& body) {
  json_element tools, chosen;
  bool has_tools = body["tools"].get(tools) == simdjson::SUCCESS && tools.is_array();
  if (has_tools)
    for (auto tool : json_array(tools)) {
      auto function = field_of(tool, "function");
      if (text_at(tool, "type") == "function"
          && (!function || !is_tool_name(text_at(*function, "name"))))
        return wrong("Invalid 'tools[].function.name': expected a string that matches "
                     "^[a-zA-Z0-9_-]{1,64}$.",
                     "tools");
    }
  if (!has_tools && body["tool_choice"].get(chosen) == simdjson::SUCCESS && !chosen.is_null())
    return wrong("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are "
                 "specified.",
                 "tool_choice");
  return {};
}

/// Fields that exclude or need each other.
checked check_together(const json_object& body) {
  auto has = [&](std::string_view name) {
    json_element found;
    return body[name].get(found) == simdjson::SUCCESS && !found.is_null();
  };
  json_element found;
  if (has("max_tokens") && has("max_completion_tokens"))
    return wrong("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not "
                 "supported.",
                 "max_tokens");
  bool streams = body["stream"].get(found) == simdjson::SUCCESS && is_true(found);
  if (has("stream_options") && !streams)
    return wrong("The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                 "stream_options");
  bool logprobs = body["logprobs"].get(found) == simdjson::SUCCESS && is_true(found);
  if (has("top_logprobs") && !logprobs)
    return wrong("'logprobs' must be set to true if 'top_logprobs' is used.", "top_logprobs");
  if (body["stop"].get(found) == simdjson::SUCCESS && found.is_array()
      && json_array(found).size() > stops_max)
    return wrong("Invalid 'stop': at most 4 sequences are allowed.", "stop");
  return {};
}

} // namespace

checked check_openai(const json_object& body) {
  if (auto fields = check_fields(body, chat_fields, unknown); !fields)
    return fields;
  if (auto together = check_together(body); !together)
    return together;
  if (auto tools = check_tools(body); !tools)
    return tools;
  json_element messages;
  if (body["messages"].get(messages) != simdjson::SUCCESS)
    return {}; // the reader has refused it
  return check_messages(json_array(messages));
}

checked check_embeddings(const json_object& body) {
  if (auto fields = check_fields(body, embedding_fields, unknown); !fields)
    return fields;
  json_element format;
  if (body["encoding_format"].get(format) == simdjson::SUCCESS && text_of(format) != "float"
      && text_of(format) != "base64")
    return wrong("Invalid value for 'encoding_format': expected 'float' or 'base64'.",
                 "encoding_format");
  json_element input;
  if (body["input"].get(input) == simdjson::SUCCESS && is_text(input) && text_of(input).empty())
    return wrong("'input' must not be empty.", "input");
  return {};
}

} // namespace troupe
