#include "actors/llm/openai/openai_dialect.hpp"
#include "actors/llm/openai/openai_messages.hpp"
#include "actors/llm/openai/openai_reader.hpp"
#include "actors/llm/request_json.hpp"

#include <nlohmann/json.hpp>

namespace troupe {

namespace {

constexpr std::string_view api = "OpenAI's API";

/// OpenAI's newer models refuse `max_tokens`; many other servers know nothing else.
const char* output_limit(std::string_view base_url) {
  for (auto host : {"://api.openai.com", ".openai.azure.com", ".services.ai.azure.com"})
    if (base_url.find(host) != base_url.npos)
      return "max_completion_tokens";
  return "max_tokens";
}

result<json_value> write_tool(const Tool& tool) {
  json_value function;
  function["name"] = tool.name();
  if (!tool.description().empty())
    function["description"] = tool.description();
  if (!tool.parameters().empty()) {
    auto schema = read_schema(tool.parameters(), "the tool " + in_quotes(tool.name()));
    if (!schema)
      return schema;
    function["parameters"] = std::move(*schema);
  }
  if (tool.strict())
    function["strict"] = true;
  json_value made;
  made["type"] = "function";
  made["function"] = std::move(function);
  if (auto further = add_passed_on(made, tool.passed_on(), "a tool"); !further)
    return unexpected{std::move(further).error()};
  return made;
}

json_value write_choice(const ToolChoice& choice) {
  switch (choice.kind()) {
    case ToolChoice::NONE:
      return "none";
    case ToolChoice::REQUIRED:
      return "required";
    case ToolChoice::NAMED:
      return {{"type", "function"}, {"function", {{"name", choice.name()}}}};
    case ToolChoice::AUTO:
    default:
      return "auto";
  }
}

result<void> add_tools(json_value& body, const ModelRequest& what) {
  for (const auto& tool : what.tools()) {
    auto made = write_tool(tool);
    if (!made)
      return unexpected{std::move(made).error()};
    body["tools"].push_back(std::move(*made));
  }
  if (what.has_tool_choice())
    body["tool_choice"] = write_choice(what.tool_choice());
  if (what.has_parallel_tool_calls())
    body["parallel_tool_calls"] = what.parallel_tool_calls();
  return {};
}

result<void> add_format(json_value& body, const ModelRequest& what) {
  if (!what.has_json_answer())
    return {};
  const auto& wanted = what.json_answer();
  if (wanted.schema().empty()) {
    body["response_format"] = {{"type", "json_object"}};
    return {};
  }
  auto schema = read_schema(wanted.schema(), "the answer");
  if (!schema)
    return unexpected{std::move(schema).error()};
  json_value format;
  format["name"] = wanted.name().empty() ? "answer" : wanted.name();
  if (!wanted.description().empty())
    format["description"] = wanted.description();
  format["schema"] = std::move(*schema);
  if (wanted.strict())
    format["strict"] = true;
  body["response_format"] = {{"type", "json_schema"}, {"json_schema", std::move(format)}};
  return {};
}

void add_numbers(json_value& body, const ModelRequest& what, const model_target& of) {
  if (what.max_output_tokens() != 0)
    body[output_limit(of.base_url)] = what.max_output_tokens();
  if (what.n() != 0)
    body["n"] = what.n();
  if (!what.stop().empty())
    body["stop"] = std::vector<std::string>{what.stop().begin(), what.stop().end()};
  if (what.has_seed())
    body["seed"] = what.seed();
  if (what.has_temperature())
    body["temperature"] = what.temperature();
  if (what.has_top_p())
    body["top_p"] = what.top_p();
  if (what.logprobs())
    body["logprobs"] = true;
  if (what.top_logprobs() != 0)
    body["top_logprobs"] = what.top_logprobs();
  if (!what.reasoning_effort().empty())
    body["reasoning_effort"] = what.reasoning_effort();
  if (!what.user().empty())
    body["user"] = what.user();
}

} // namespace

result<http_request> openai_dialect::ask(const ModelRequest& what, const model_target& of) const {
  if (what.thinking_tokens() != 0)
    return cannot_say(api, "limit for thinking in tokens (it has `reasoning_effort`)", of);
  if (what.n() > limits::answer_choices_max)
    return fail(ec::invalid_argument, "more than " + std::to_string(limits::answer_choices_max)
                                          + " answers are asked for at once");
  auto messages = openai_messages(what, of);
  if (!messages)
    return unexpected{std::move(messages).error()};
  json_value body;
  body["model"] = of.model;
  body["messages"] = std::move(*messages);
  add_numbers(body, what, of);
  if (what.stream()) {
    body["stream"] = true;
    body["stream_options"] = {{"include_usage", true}};
  }
  if (auto fine = add_tools(body, what); !fine)
    return unexpected{std::move(fine).error()};
  if (auto fine = add_format(body, what); !fine)
    return unexpected{std::move(fine).error()};
  if (auto fine = add_passed_on(body, what.passed_on(), "the request", {"stream"}); !fine)
    return unexpected{std::move(fine).error()};
  return make_request("/chat/completions", {"content-type: application/json"}, body);
}

std::unique_ptr<answer_reader> openai_dialect::reader(const ModelRequest& what,
                                                      const model_target& of) const {
  return std::make_unique<openai_reader>(what, of);
}

std::string openai_dialect::key_header(std::string_view key) const {
  return "authorization: Bearer " + std::string{key};
}

} // namespace troupe
