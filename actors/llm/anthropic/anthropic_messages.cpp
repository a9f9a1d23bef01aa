#include "actors/llm/anthropic/anthropic_messages.hpp"

#include "actors/llm/anthropic/cache_marks.hpp"
#include "actors/llm/request_json.hpp"
#include "config/base/utf8.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string_view>

namespace troupe {

namespace {

constexpr std::string_view api = "Anthropic's API";

json_value text_part(const std::string& text) { return {{"type", "text"}, {"text", text}}; }

result<json_value> image_block(const ImagePart& image, const model_target& of) {
  if (auto fine = check_image(image); !fine)
    return unexpected{std::move(fine).error()};
  if (!image.detail().empty() && image.detail() != "auto")
    return cannot_say(api, "detail of an image", of);
  json_value source;
  if (image.has_url())
    source = {{"type", "url"}, {"url", image.url()}};
  else
    source = {
        {"type", "base64"}, {"media_type", image.media_type()}, {"data", to_base64(image.data())}};
  return json_value{{"type", "image"}, {"source", std::move(source)}};
}

result<json_value> call_block(const ToolCall& call, const model_target& of) {
  auto input = call.arguments().empty() ? outcome<json_value, std::string>{json_value::object()}
                                        : parse_json_object(call.arguments());
  if (!input)
    return cannot_say(api,
                      "tool call whose arguments are no JSON object, as those of "
                          + in_quotes(call.name()) + " (" + input.error() + ")",
                      of);
  json_value made;
  made["type"] = "tool_use";
  made["id"] = call.id();
  made["name"] = call.name();
  made["input"] = std::move(*input);
  return made;
}

result<json_value> result_block(const ToolResult& from, const model_target& of) {
  json_value made;
  made["type"] = "tool_result";
  made["tool_use_id"] = from.call_id();
  if (from.images().empty()) {
    made["content"] = from.text();
  } else {
    auto content = json_value::array();
    if (!from.text().empty())
      content.push_back(text_part(from.text()));
    for (const auto& image : from.images()) {
      auto block = image_block(image, of);
      if (!block)
        return block;
      content.push_back(std::move(*block));
    }
    made["content"] = std::move(content);
  }
  if (from.failed())
    made["is_error"] = true;
  return made;
}

result<json_value> thinking_block(const ThinkingPart& from, const model_target& of) {
  if (!from.redacted().empty())
    return json_value{{"type", "redacted_thinking"}, {"data", from.redacted()}};
  if (from.signature().empty())
    return cannot_say(api, "thinking blocks without a signature, which another provider made", of);
  return json_value{
      {"type", "thinking"}, {"thinking", from.text()}, {"signature", from.signature()}};
}

result<json_value> block_of(const MessagePart& part, const model_target& of) {
  switch (part.kind_case()) {
    case MessagePart::kText:
      return text_part(part.text());
    case MessagePart::kImage:
      return image_block(part.image(), of);
    case MessagePart::kToolCall:
      return call_block(part.tool_call(), of);
    case MessagePart::kToolResult:
      return result_block(part.tool_result(), of);
    case MessagePart::kThinking:
      return thinking_block(part.thinking(), of);
    case MessagePart::kRefusal:
      return text_part(part.refusal());
    case MessagePart::KIND_NOT_SET:
      break;
  }
  return json_value::object();
}

bool is_of_assistant(MessagePart::KindCase kind) {
  return kind == MessagePart::kToolCall || kind == MessagePart::kThinking
         || kind == MessagePart::kRefusal;
}

bool is_of_user(MessagePart::KindCase kind) {
  return kind == MessagePart::kImage || kind == MessagePart::kToolResult;
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

/// A text as one block, or as two if its fixed part ends with a mark within it. The API refuses
/// blocks that are blank.
void add_content(json_value& to, const ChatMessage& from, bool is_marked) {
  std::string_view text = from.content();
  if (text.empty())
    return;
  auto fixed = is_marked ? utf8_prefix(text, from.fixed_bytes()) : std::string_view{};
  if (is_blank(text.substr(fixed.size())))
    fixed = fixed.empty() ? fixed : text;
  if (is_blank(fixed)) {
    to.push_back(text_part(from.content()));
    return;
  }
  to.push_back(text_part(std::string{fixed}));
  to.back()["cache_control"] = {{"type", "ephemeral"}};
  if (fixed.size() < text.size())
    to.push_back(text_part(std::string{text.substr(fixed.size())}));
}

/// The content of a message. Texts without a character say nothing, and the API refuses them.
result<json_value> blocks_of(const ChatMessage& from, const model_target& of, bool is_marked) {
  auto results = json_value::array(), others = json_value::array();
  add_content(others, from, is_marked);
  bool is_assistant = from.role() == "assistant";
  for (const auto& part : from.parts()) {
    auto kind = part.kind_case();
    if (is_assistant ? is_of_user(kind) : is_of_assistant(kind))
      return fail(ec::invalid_argument, "a part stands in a message of the role "
                                            + in_quotes(from.role()) + " where it cannot be");
    if (kind == MessagePart::kText && part.text().empty() && part.passed_on().empty())
      continue;
    auto block = block_of(part, of);
    if (!block)
      return block;
    if (auto fine = add_passed_on(*block, part.passed_on(), "a part of a message"); !fine)
      return unexpected{std::move(fine).error()};
    (kind == MessagePart::kToolResult ? results : others).push_back(std::move(*block));
  }
  for (auto& block : others)
    results.push_back(std::move(block));
  return results;
}

bool is_system(const ChatMessage& message) {
  return message.role() == "system" || message.role() == "developer";
}

result<void> check(const ChatMessage& message, bool begun, const model_target& of) {
  if (!message.name().empty())
    return cannot_say(api, "name of who speaks", of);
  if (is_system(message) && begun)
    return cannot_say(api, "system message behind the first of another role", of);
  if (is_system(message) || message.role() == "user" || message.role() == "assistant"
      || message.role() == "tool")
    return {};
  return fail(ec::invalid_argument, "a message has the unknown role " + in_quotes(message.role()));
}

/// One text without further fields is written as such.
json_value shortest(json_value blocks) {
  if (blocks.size() == 1 && blocks.front().size() == 2
      && blocks.front().value("type", "") == "text")
    return std::move(blocks.front()["text"]);
  return blocks;
}

} // namespace

result<anthropic_conversation> anthropic_messages(const ModelRequest& what,
                                                  const model_target& of) {
  auto system = json_value::array(), messages = json_value::array();
  auto marks = cache_marks(what);
  for (int i = 0; i < what.messages_size(); ++i) {
    const auto& message = what.messages(i);
    if (auto fine = check(message, !messages.empty(), of); !fine)
      return unexpected{std::move(fine).error()};
    auto blocks = blocks_of(message, of, std::binary_search(marks.begin(), marks.end(), i));
    if (!blocks)
      return unexpected{std::move(blocks).error()};
    auto role = message.role() == "assistant" ? "assistant" : "user";
    if (!is_system(message) && (messages.empty() || messages.back()["role"] != role))
      messages.push_back({{"role", role}, {"content", json_value::array()}});
    auto& to = is_system(message) ? system : messages.back()["content"];
    for (auto& block : *blocks)
      to.push_back(std::move(block));
    if (!message.passed_on().empty()) {
      if (is_system(message))
        return cannot_say(api, "further fields of a system message", of);
      if (auto fine = add_passed_on(messages.back(), message.passed_on(), "a message"); !fine)
        return unexpected{std::move(fine).error()};
    }
  }
  for (auto& message : messages)
    message["content"] = shortest(std::move(message["content"]));
  return anthropic_conversation{system.empty() ? json_value{} : shortest(std::move(system)),
                                std::move(messages)};
}

} // namespace troupe
