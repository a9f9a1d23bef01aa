#include "nodes/simulate/json_view.hpp"

namespace troupe {

namespace {

constexpr std::uint64_t tokens_a_message = 4;

/// Adds the blocks of a content; whether one of them is the result of a tool.
bool read_blocks(const json_element& content, std::string& text, std::uint64_t& tokens) {
  if (is_text(content)) {
    text += text_of(content);
    tokens += tokens_of(text_of(content));
    return false;
  }
  bool result = false;
  if (content.is_array())
    for (auto block : json_array(content)) {
      auto type = text_at(block, "type");
      result = result || type == "tool_result";
      if (type == "text") {
        text += text_at(block, "text");
        tokens += tokens_of(text_at(block, "text"));
      } else {
        tokens += tokens_of(simdjson::minify(block));
      }
    }
  return result;
}

checked read_conversation(const json_element& messages, provider_request& into) {
  if (!messages.is_array() || json_array(messages).size() == 0)
    return wrong("messages: at least one message is required", "messages");
  for (auto message : json_array(messages)) {
    auto content = field_of(message, "content");
    if (!content)
      return wrong("messages: each must have a role and a content", "messages");
    std::string text;
    into.input_tokens += tokens_a_message;
    into.answers_tool = read_blocks(*content, text, into.input_tokens);
    into.question = text_at(message, "role") == "user" ? std::move(text) : std::string{};
  }
  return {};
}

void read_tool_list(const json_element& tools, provider_request& into) {
  if (!tools.is_array())
    return;
  for (auto tool : json_array(tools)) {
    into.input_tokens += tokens_of(simdjson::minify(tool));
    auto schema = field_of(tool, "input_schema");
    into.tools.push_back({std::string{text_at(tool, "name")},
                          schema ? value_of_schema(*schema, into.hash_lo) : "{}"});
  }
}

void read_choice(const json_element& chosen, provider_request& into) {
  auto type = text_at(chosen, "type");
  if (type == "none")
    into.tool_choice = provider_request::tool_calling::none;
  else if (type == "any" || type == "tool")
    into.tool_choice = provider_request::tool_calling::must;
  into.tool_forced = text_at(chosen, "name");
  if (auto alone = field_of(chosen, "disable_parallel_tool_use"))
    into.parallel_tools = !is_true(*alone);
}

void read_one(std::string_view key, const json_element& value, provider_request& into) {
  if (key == "stream") {
    into.stream = is_true(value);
  } else if (key == "max_tokens") {
    into.tokens_max = count_of_json(value);
  } else if (key == "system") {
    std::string text;
    read_blocks(value, text, into.input_tokens);
  } else if (key == "tools") {
    read_tool_list(value, into);
  } else if (key == "tool_choice") {
    read_choice(value, into);
  } else if (key == "thinking") {
    auto type = text_at(value, "type");
    into.thinks = type == "enabled" || type == "adaptive";
  } else if (key == "stop_sequences" && value.is_array()) {
    for (auto one : json_array(value))
      if (is_text(one))
        into.stops.emplace_back(text_of(one));
  }
}

} // namespace

checked read_anthropic(const json_object& body, provider_request& into) {
  json_element model, messages;
  if (body["model"].get(model) != simdjson::SUCCESS || !is_text(model) || text_of(model).empty())
    return wrong("model: Field required", "model");
  into.model = text_of(model);
  if (body["messages"].get(messages) != simdjson::SUCCESS)
    return wrong("messages: Field required", "messages");
  if (auto read = read_conversation(messages, into); !read)
    return read;
  into.input_tokens += 3; // the answer's beginning
  for (auto field : body)
    read_one(field.key, field.value, into);
  return {};
}

} // namespace troupe
