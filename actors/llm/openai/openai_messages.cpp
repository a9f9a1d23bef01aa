#include "actors/llm/openai/openai_messages.hpp"

#include "actors/llm/request_json.hpp"

#include <nlohmann/json.hpp>

namespace troupe {

namespace {

constexpr std::string_view api = "OpenAI's API";

/// One message of the request, which becomes one message or, with results of tools, several.
class message_writer {
public:
  message_writer(const ChatMessage& from, const model_target& of, json_value& to)
      : from_(from), of_(of), to_(to), is_assistant_(from.role() == "assistant"),
        is_user_(from.role() == "user") {}

  result<void> write() {
    if (!is_assistant_ && !is_user_ && from_.role() != "system" && from_.role() != "developer"
        && from_.role() != "tool")
      return fail(ec::invalid_argument,
                  "a message has the unknown role " + in_quotes(from_.role()));
    if (!from_.content().empty())
      add_content({{"type", "text"}, {"text", from_.content()}}, true);
    for (const auto& part : from_.parts())
      if (auto said = add(part); !said)
        return said;
    return finish();
  }

private:
  result<void> add(const MessagePart& part) {
    switch (part.kind_case()) {
      case MessagePart::kText:
        return add_part(part, {{"type", "text"}, {"text", part.text()}}, true);
      case MessagePart::kImage:
        return add_image(part);
      case MessagePart::kToolCall:
        return add_call(part);
      case MessagePart::kToolResult:
        return add_result(part);
      case MessagePart::kThinking:
        return add_thinking(part.thinking());
      case MessagePart::kRefusal:
        if (!is_assistant_)
          return misplaced("a refusal");
        refusal_ += part.refusal();
        return {};
      case MessagePart::KIND_NOT_SET:
        return add_part(part, json_value::object(), false);
    }
    return {};
  }

  unexpected<failure> misplaced(const std::string& what) const {
    return fail(ec::invalid_argument,
                what + " stands in a message of the role " + in_quotes(from_.role()));
  }

  void add_content(json_value part, bool is_text) {
    only_text_ = content_.empty() && is_text;
    content_.push_back(std::move(part));
  }

  result<void> add_part(const MessagePart& from, json_value part, bool is_text) {
    auto further = add_passed_on(part, from.passed_on(), "a part of a message");
    if (further)
      add_content(std::move(part), is_text && from.passed_on().empty());
    return further;
  }

  result<void> add_image(const MessagePart& part) {
    const auto& image = part.image();
    if (!is_user_)
      return misplaced("an image");
    if (auto fine = check_image(image); !fine)
      return fine;
    json_value url;
    url["url"] = image.has_url()
                     ? image.url()
                     : "data:" + image.media_type() + ";base64," + to_base64(image.data());
    if (!image.detail().empty())
      url["detail"] = image.detail();
    return add_part(part, {{"type", "image_url"}, {"image_url", std::move(url)}}, false);
  }

  result<void> add_call(const MessagePart& part) {
    if (!is_assistant_)
      return misplaced("a tool call");
    const auto& call = part.tool_call();
    json_value made;
    made["id"] = call.id();
    made["type"] = "function";
    made["function"] = {{"name", call.name()}, {"arguments", call.arguments()}};
    auto further = add_passed_on(made, part.passed_on(), "a tool call");
    if (further)
      calls_.push_back(std::move(made));
    return further;
  }

  /// A message of its own, before the others.
  result<void> add_result(const MessagePart& part) {
    if (is_assistant_)
      return misplaced("the result of a tool");
    const auto& from = part.tool_result();
    if (!from.images().empty())
      return cannot_say(api, "images in results of tools", of_);
    json_value made;
    made["role"] = "tool";
    made["tool_call_id"] = from.call_id();
    made["content"] = (from.failed() ? "Error: " : "") + from.text();
    auto further = add_passed_on(made, part.passed_on(), "the result of a tool");
    if (further)
      to_.push_back(std::move(made));
    has_results_ = true;
    return further;
  }

  result<void> add_thinking(const ThinkingPart& part) {
    if (!is_assistant_)
      return misplaced("a thought");
    if (!part.signature().empty() || !part.redacted().empty())
      return cannot_say(api, "thinking blocks with a signature, which another provider made", of_);
    thinking_ += part.text();
    return {};
  }

  result<void> finish() {
    bool is_empty = content_.empty() && calls_.empty() && refusal_.empty() && thinking_.empty();
    if (has_results_ && is_empty)
      return {};
    if (from_.role() == "tool")
      return fail(ec::invalid_argument,
                  "a message of the role `tool` holds something else than the results of tools");
    json_value made;
    made["role"] = from_.role();
    if (only_text_)
      made["content"] = std::move(content_.front()["text"]);
    else if (!content_.empty())
      made["content"] = std::move(content_);
    else
      made["content"] = is_assistant_ && !is_empty ? json_value{} : json_value("");
    if (!from_.name().empty())
      made["name"] = from_.name();
    if (!thinking_.empty())
      made["reasoning_content"] = std::move(thinking_);
    if (!refusal_.empty())
      made["refusal"] = std::move(refusal_);
    if (!calls_.empty())
      made["tool_calls"] = std::move(calls_);
    auto further = add_passed_on(made, from_.passed_on(), "a message");
    if (further)
      to_.push_back(std::move(made));
    return further;
  }

  const ChatMessage& from_;
  const model_target& of_;
  json_value& to_;
  bool is_assistant_;
  bool is_user_;
  json_value content_ = json_value::array();
  bool only_text_ = false; ///< the content is one text without further fields
  json_value calls_ = json_value::array();
  std::string thinking_;
  std::string refusal_;
  bool has_results_ = false;
};

} // namespace

result<json_value> openai_messages(const ModelRequest& what, const model_target& of) {
  auto made = json_value::array();
  for (const auto& message : what.messages())
    if (auto written = message_writer{message, of, made}.write(); !written)
      return unexpected{std::move(written).error()};
  return made;
}

} // namespace troupe
