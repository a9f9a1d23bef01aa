#include "config/limits/simulate.hpp"
#include "nodes/simulate/json_view.hpp"

#include <xxhash.h>

namespace troupe {

namespace {

constexpr std::uint64_t tokens_a_message = 4;

/// The text of a message's content: a string, or a list of parts. Other parts (images) count as
/// `tokens_of` what stands there.
std::string content_text(const json_element& content, std::uint64_t& tokens) {
  if (is_text(content)) {
    tokens += tokens_of(text_of(content));
    return std::string{text_of(content)};
  }
  std::string text;
  if (content.is_array())
    for (auto part : json_array(content)) {
      auto said = text_at(part, "text");
      text += said;
      tokens += said.empty() ? tokens_of(simdjson::minify(part)) : tokens_of(said);
    }
  return text;
}

checked read_messages(const json_element& messages, provider_request& into) {
  if (!messages.is_array() || json_array(messages).size() == 0)
    return wrong("'messages' must be a list that is not empty.", "messages");
  for (auto message : json_array(messages)) {
    if (!message.is_object())
      return wrong("A message must be an object.", "messages");
    auto role = text_at(message, "role");
    auto content = field_of(message, "content");
    into.input_tokens += tokens_a_message;
    auto text = content ? content_text(*content, into.input_tokens) : std::string{};
    if (auto calls = field_of(message, "tool_calls"))
      into.input_tokens += tokens_of(simdjson::minify(*calls));
    into.answers_tool = role == "tool";
    into.question = role == "user" ? std::move(text) : std::string{};
  }
  return {};
}

void read_tools(const json_element& tools, provider_request& into) {
  if (!tools.is_array())
    return;
  for (auto tool : json_array(tools)) {
    auto function = field_of(tool, "function");
    if (!function)
      continue;
    into.input_tokens += tokens_of(simdjson::minify(*function));
    auto schema = field_of(*function, "parameters");
    into.tools.push_back({std::string{text_at(*function, "name")},
                          schema ? value_of_schema(*schema, into.hash_lo) : "{}"});
  }
}

void read_tool_choice(const json_element& chosen, provider_request& into) {
  auto word = text_of(chosen);
  if (word == "none")
    into.tool_choice = provider_request::tool_calling::none;
  else if (word == "required")
    into.tool_choice = provider_request::tool_calling::must;
  else if (auto function = field_of(chosen, "function")) {
    into.tool_choice = provider_request::tool_calling::must;
    into.tool_forced = text_at(*function, "name");
  }
}

void read_format(const json_element& format, provider_request& into) {
  auto type = text_at(format, "type");
  if (type == "json_object")
    into.json_answer = "{\"answer\":\"" + std::to_string(into.hash_lo % 1'000) + "\"}";
  else if (auto wanted = field_of(format, "json_schema"); wanted && type == "json_schema")
    if (auto schema = field_of(*wanted, "schema"))
      into.json_answer = value_of_schema(*schema, into.hash_lo);
}

void read_stops(const json_element& stop, provider_request& into) {
  if (is_text(stop))
    into.stops.emplace_back(text_of(stop));
  else if (stop.is_array())
    for (auto one : json_array(stop))
      if (is_text(one))
        into.stops.emplace_back(text_of(one));
}

void read_number(std::string_view key, const json_element& value, provider_request& into) {
  auto count = count_of_json(value);
  if (!count)
    return;
  if (key == "max_tokens" || key == "max_completion_tokens")
    into.tokens_max = *count;
  else if (key == "n")
    into.choices = *count;
  else if (key == "top_logprobs")
    into.top_logprobs = *count;
}

void read_field(std::string_view key, const json_element& value, provider_request& into) {
  if (key == "stream")
    into.stream = is_true(value);
  else if (key == "stream_options")
    into.stream_usage =
        field_of(value, "include_usage") && is_true(*field_of(value, "include_usage"));
  else if (key == "tools")
    read_tools(value, into);
  else if (key == "tool_choice")
    read_tool_choice(value, into);
  else if (key == "parallel_tool_calls")
    into.parallel_tools = is_true(value);
  else if (key == "response_format")
    read_format(value, into);
  else if (key == "stop")
    read_stops(value, into);
  else if (key == "logprobs")
    into.logprobs = is_true(value);
  else if (key == "reasoning_effort")
    into.thinks = is_text(value) && text_of(value) != "none" && text_of(value) != "minimal";
  else
    read_number(key, value, into);
}

checked read_model(const json_object& body, provider_request& into) {
  json_element model;
  if (body["model"].get(model) != simdjson::SUCCESS || !is_text(model) || text_of(model).empty())
    return wrong("you must provide a model parameter", "model");
  into.model = text_of(model);
  return {};
}

} // namespace

checked read_openai(const json_object& body, provider_request& into) {
  if (auto read = read_model(body, into); !read)
    return read;
  json_element messages;
  if (body["messages"].get(messages) != simdjson::SUCCESS)
    return wrong("Missing required parameter: 'messages'.", "messages");
  if (auto read = read_messages(messages, into); !read)
    return read;
  into.input_tokens += 3; // the answer's beginning
  for (auto field : body)
    read_field(field.key, field.value, into);
  if (into.choices < 1 || into.choices > limits::simulate_choices_max)
    return wrong("'n' must be from 1 to 128.", "n");
  if (into.top_logprobs > limits::simulate_top_logprobs_max)
    return wrong("'top_logprobs' must be at most 20.", "top_logprobs");
  return {};
}

checked read_embeddings(const json_object& body, provider_request& into) {
  if (auto read = read_model(body, into); !read)
    return read;
  json_element input;
  if (body["input"].get(input) != simdjson::SUCCESS)
    return wrong("Missing required parameter: 'input'.", "input");
  auto add = [&](std::string_view text, std::uint64_t tokens) {
    into.inputs.emplace_back(XXH3_64bits(text.data(), text.size()), tokens);
    into.input_tokens += tokens;
  };
  auto add_numbers = [&](const json_array& numbers) {
    add(simdjson::minify(numbers), numbers.size());
  };
  if (is_text(input)) {
    add(text_of(input), tokens_of(text_of(input)));
  } else if (input.is_array() && json_array(input).size() > 0
             && json_array(input).at(0).is_uint64()) {
    add_numbers(json_array(input));
  } else if (input.is_array()) {
    for (auto one : json_array(input))
      if (is_text(one))
        add(text_of(one), tokens_of(text_of(one)));
      else if (one.is_array())
        add_numbers(json_array(one));
      else
        return wrong("'input' must hold texts or lists of tokens.", "input");
  }
  if (into.inputs.empty() || into.inputs.size() > limits::simulate_inputs_max)
    return wrong("'input' must be a text, or a list of 1 to 2048.", "input");
  for (auto field : body) {
    if (field.key == "dimensions")
      into.dimensions = count_of_json(field.value).value_or(0);
    else if (field.key == "encoding_format")
      into.base64 = text_of(field.value) == "base64";
  }
  if (into.dimensions > limits::simulate_dimensions_max)
    return wrong("'dimensions' must be at most 4096.", "dimensions");
  return {};
}

} // namespace troupe
