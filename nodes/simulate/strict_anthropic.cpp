#include "config/limits/simulate.hpp"
#include "nodes/simulate/strict_field.hpp"

#include <algorithm>

/// What Anthropic's API refuses, as far as its reference says so.
namespace troupe {

namespace {

using json_form = strict_field::json_form;

constexpr strict_field fields[] = {
    {"model", json_form::text},
    {"messages", json_form::list},
    {"max_tokens", json_form::count, 1},
    {"system", json_form::text_or_list},
    {"stream", json_form::flag},
    {"temperature", json_form::number, 0, 1},
    {"top_p", json_form::number, 0, 1},
    {"top_k", json_form::count, 0},
    {"stop_sequences", json_form::list},
    {"tools", json_form::list},
    {"tool_choice", json_form::object},
    {"thinking", json_form::object},
    {"metadata", json_form::object},
    {"service_tier", json_form::text},
    {"container"},
    {"context_management", json_form::object},
    {"mcp_servers", json_form::list},
    {"output_config", json_form::object},
};

std::string at_message(std::size_t i) { return "messages." + std::to_string(i); }

/// The ids in the blocks of that type.
std::vector<std::string_view> ids_of(const json_element& content, std::string_view block_type,
                                     std::string_view name) {
  std::vector<std::string_view> ids;
  if (content.is_array())
    for (auto block : json_array(content))
      if (text_at(block, "type") == block_type)
        ids.push_back(text_at(block, name));
  return ids;
}

checked check_conversation(const json_array& messages) {
  std::vector<std::string_view> open;
  std::size_t i = 0, last = messages.size() - 1;
  for (auto message : messages) {
    auto place = at_message(i);
    auto role = text_at(message, "role");
    if (role != "user" && role != "assistant")
      return wrong(place + ".role: Input should be 'user' or 'assistant'", place);
    if (i == 0 && role != "user")
      return wrong("messages: first message must use the \"user\" role", place);
    auto content = field_of(message, "content");
    bool empty = !content || (is_text(*content) && text_of(*content).empty())
                 || (content->is_array() && json_array(*content).size() == 0)
                 || !(content->is_string() || content->is_array());
    if (empty && !(role == "assistant" && i == last))
      return wrong(place + ": all messages must have non-empty content", place);
    auto results = ids_of(*content, "tool_result", "tool_use_id");
    for (auto id : results)
      if (std::find(open.begin(), open.end(), id) == open.end())
        return wrong(place + ".content: unexpected `tool_use_id` found in `tool_result` blocks: "
                         + std::string{id},
                     place);
    for (auto id : open)
      if (std::find(results.begin(), results.end(), id) == results.end())
        return wrong(place
                         + ": `tool_use` ids were found without `tool_result` blocks "
                           "immediately after: "
                         + std::string{id},
                     place);
    open = ids_of(*content, "tool_use", "id");
    ++i;
  }
  return {};
}

checked check_tool_names(const json_object& body) {
  json_element tools;
  if (body["tools"].get(tools) != simdjson::SUCCESS || !tools.is_array())
    return {};
  std::size_t i = 0;
  for (auto tool : json_array(tools)) {
    auto place = "tools." + std::to_string(i++);
    if (!is_tool_name(text_at(tool, "name")))
      return wrong(place + ".name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'", place);
    bool built_in = !text_at(tool, "type").empty() && text_at(tool, "type") != "custom";
    if (!built_in && !field_of(tool, "input_schema"))
      return wrong(place + ".input_schema: Field required", place);
  }
  return {};
}

/// In blocks of the system, of messages and of results, and in tools.
std::size_t marks_in(const json_element& e) {
  std::size_t found = field_of(e, "cache_control") ? 1 : 0;
  if (e.is_array())
    for (auto one : json_array(e))
      found += marks_in(one);
  if (auto content = field_of(e, "content"))
    found += marks_in(*content);
  return found;
}

checked check_marks(const json_object& body) {
  std::size_t found = 0;
  json_element part;
  for (auto key : {"tools", "system", "messages"})
    if (body[key].get(part) == simdjson::SUCCESS)
      found += marks_in(part);
  if (found > limits::simulate_cache_marks_max)
    return wrong("A maximum of 4 blocks with cache_control may be provided. Found "
                 + std::to_string(found) + ".");
  return {};
}

} // namespace

checked check_anthropic(const json_object& body, bool counts_only) {
  if (auto all = check_fields(body, fields, "Extra inputs are not permitted: "); !all)
    return all;
  json_element found;
  auto tokens =
      body["max_tokens"].get(found) == simdjson::SUCCESS ? count_of_json(found) : std::nullopt;
  if (!tokens && !counts_only)
    return wrong("max_tokens: Field required", "max_tokens");
  if (body["thinking"].get(found) == simdjson::SUCCESS && text_at(found, "type") == "enabled") {
    auto budget = field_of(found, "budget_tokens");
    auto count = budget ? count_of_json(*budget) : std::nullopt;
    if (!count || *count < 1'024 || (tokens && *count >= *tokens))
      return wrong("thinking.enabled.budget_tokens: must be at least 1024 and less than "
                   "`max_tokens`",
                   "thinking");
  }
  if (auto tools = check_tool_names(body); !tools)
    return tools;
  if (auto marks = check_marks(body); !marks)
    return marks;
  if (body["messages"].get(found) != simdjson::SUCCESS)
    return {}; // the reader has refused it
  return check_conversation(json_array(found));
}

} // namespace troupe
