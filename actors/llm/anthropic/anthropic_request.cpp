#include "actors/llm/anthropic/anthropic_dialect.hpp"
#include "actors/llm/anthropic/anthropic_messages.hpp"
#include "actors/llm/anthropic/anthropic_reader.hpp"
#include "actors/llm/request_json.hpp"
#include "config/limits/dialects.hpp"

#include <nlohmann/json.hpp>

namespace troupe {

namespace {

constexpr std::string_view requests_api = "Anthropic's API";

result<void> check_possible(const ModelRequest& what, const model_target& of) {
  if (what.n() > 1)
    return cannot_say(requests_api, "way to give several answers (`n`)", of);
  if (what.has_seed())
    return cannot_say(requests_api, "`seed`", of);
  if (what.logprobs() || what.top_logprobs() != 0)
    return cannot_say(requests_api, "log probabilities", of);
  if (what.has_json_answer() && what.json_answer().schema().empty())
    return cannot_say(requests_api, "JSON answers without a schema", of);
  if (!what.json_answer().description().empty())
    return cannot_say(requests_api, "description of a JSON answer (its schema may have one)", of);
  return {};
}

result<json_value> write_tool(const Tool& tool) {
  json_value made;
  made["name"] = tool.name();
  if (!tool.description().empty())
    made["description"] = tool.description();
  if (tool.parameters().empty()) {
    made["input_schema"] = {{"type", "object"}};
  } else {
    auto schema = read_schema(tool.parameters(), "the tool " + in_quotes(tool.name()));
    if (!schema)
      return schema;
    made["input_schema"] = std::move(*schema);
  }
  if (tool.strict())
    made["strict"] = true;
  if (auto further = add_passed_on(made, tool.passed_on(), "a tool"); !further)
    return unexpected{std::move(further).error()};
  return made;
}

json_value write_choice(const ToolChoice& choice) {
  switch (choice.kind()) {
    case ToolChoice::NONE:
      return {{"type", "none"}};
    case ToolChoice::REQUIRED:
      return {{"type", "any"}};
    case ToolChoice::NAMED:
      return {{"type", "tool"}, {"name", choice.name()}};
    case ToolChoice::AUTO:
    default:
      return {{"type", "auto"}};
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
  bool may_be_parallel = !what.has_parallel_tool_calls() || what.parallel_tool_calls();
  if (may_be_parallel || what.tool_choice().kind() == ToolChoice::NONE)
    return {};
  if (!what.has_tool_choice())
    body["tool_choice"] = {{"type", "auto"}};
  body["tool_choice"]["disable_parallel_tool_use"] = true;
  return {};
}

result<void> add_output(json_value& body, const ModelRequest& what) {
  if (!what.reasoning_effort().empty())
    body["output_config"]["effort"] = what.reasoning_effort();
  if (!what.has_json_answer())
    return {};
  auto schema = read_schema(what.json_answer().schema(), "the answer");
  if (!schema)
    return unexpected{std::move(schema).error()};
  body["output_config"]["format"] = {{"type", "json_schema"}, {"schema", std::move(*schema)}};
  return {};
}

void add_numbers(json_value& body, const ModelRequest& what) {
  auto limit = what.max_output_tokens();
  body["max_tokens"] =
      limit != 0 ? limit : limits::anthropic_output_tokens + what.thinking_tokens();
  if (what.thinking_tokens() != 0)
    body["thinking"] = {{"type", "enabled"}, {"budget_tokens", what.thinking_tokens()}};
  if (!what.stop().empty())
    body["stop_sequences"] = std::vector<std::string>{what.stop().begin(), what.stop().end()};
  if (what.has_temperature())
    body["temperature"] = what.temperature();
  if (what.has_top_p())
    body["top_p"] = what.top_p();
  if (!what.user().empty())
    body["metadata"] = {{"user_id", what.user()}};
}

} // namespace

result<http_request> anthropic_dialect::ask(const ModelRequest& what,
                                            const model_target& of) const {
  if (auto fine = check_possible(what, of); !fine)
    return unexpected{std::move(fine).error()};
  auto said = anthropic_messages(what, of);
  if (!said)
    return unexpected{std::move(said).error()};
  json_value body;
  body["model"] = of.model;
  add_numbers(body, what);
  if (!said->system.is_null())
    body["system"] = std::move(said->system);
  body["messages"] = std::move(said->messages);
  if (what.stream())
    body["stream"] = true;
  if (auto fine = add_tools(body, what); !fine)
    return unexpected{std::move(fine).error()};
  if (auto fine = add_output(body, what); !fine)
    return unexpected{std::move(fine).error()};
  if (auto fine = add_passed_on(body, what.passed_on(), "the request", {"stream"}); !fine)
    return unexpected{std::move(fine).error()};
  auto path = of.base_url.ends_with("/v1") ? "/messages" : "/v1/messages";
  return make_request(path, {"content-type: application/json", "anthropic-version: 2023-06-01"},
                      body);
}

std::unique_ptr<answer_reader> anthropic_dialect::reader(const ModelRequest& what,
                                                         const model_target& of) const {
  return std::make_unique<anthropic_reader>(what, of);
}

result<http_request> anthropic_dialect::embed(const EmbeddingRequest&,
                                              const model_target& of) const {
  return cannot_say(requests_api, "embeddings", of);
}

result<EmbeddingAnswer> anthropic_dialect::read_embeddings(const EmbeddingRequest&,
                                                           const model_target& of,
                                                           const http_response_head&,
                                                           std::string_view) const {
  return cannot_say(requests_api, "embeddings", of);
}

std::string anthropic_dialect::key_header(std::string_view key) const {
  return "x-api-key: " + std::string{key};
}

} // namespace troupe
