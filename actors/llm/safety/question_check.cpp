#include "actors/llm/safety/question_check.hpp"

#include "actors/llm/offline/model_prompt.hpp"
#include "actors/llm/safety/injection_marks.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace troupe {

namespace {

/// Every text of the request that is checked.
template <class Visit>
void for_each_text(ModelRequest& asked, const Visit& visit) {
  for (auto& message : *asked.mutable_messages()) {
    visit(*message.mutable_content());
    for (auto& part : *message.mutable_parts())
      switch (part.kind_case()) {
        case MessagePart::kText:
          visit(*part.mutable_text());
          break;
        case MessagePart::kToolCall:
          visit(*part.mutable_tool_call()->mutable_arguments());
          break;
        case MessagePart::kToolResult:
          visit(*part.mutable_tool_result()->mutable_text());
          break;
        case MessagePart::kRefusal:
          visit(*part.mutable_refusal());
          break;
        case MessagePart::kImage:
        case MessagePart::kThinking:
        case MessagePart::KIND_NOT_SET:
          break;
      }
  }
}

class question_checker {
public:
  question_checker(const call_rules& rules, placeholders& masked, safety_tally& tally)
      : rules_(rules), masked_(masked), tally_(tally) {}

  /// The first refusal; nothing if there is none.
  std::optional<failure> refused;

  void check(ChatMessage& message, int number) {
    where_ = " of message " + std::to_string(number) + " (" + message.role() + ")";
    auto fixed = message.content().substr(0, message.fixed_bytes());
    if (message.role() == "tool")
      take_data(*message.mutable_content(), "a tool");
    else
      take_prompt(*message.mutable_content());
    if (!message.content().starts_with(fixed))
      message.set_fixed_bytes(bytes_of_masked(fixed, message.content()));
    for (auto& part : *message.mutable_parts())
      check(part, message.role() == "tool");
  }

  void take_data(std::string& text, std::string_view title) {
    auto found = take(text, safety_way::data, 0);
    if (found[static_cast<std::size_t>(safety_check::injection)] > 0)
      text = wrap_as_data(title, text);
  }

private:
  void check(MessagePart& part, bool is_data) {
    switch (part.kind_case()) {
      case MessagePart::kText:
        if (is_data)
          take_data(*part.mutable_text(), "a tool");
        else
          take_prompt(*part.mutable_text());
        break;
      case MessagePart::kToolCall:
        take(*part.mutable_tool_call()->mutable_arguments(), safety_way::asked, 0);
        break;
      case MessagePart::kToolResult:
        take_data(*part.mutable_tool_result()->mutable_text(), "a tool");
        break;
      case MessagePart::kRefusal:
        take(*part.mutable_refusal(), safety_way::asked, 0);
        break;
      case MessagePart::kImage:
      case MessagePart::kThinking:
      case MessagePart::KIND_NOT_SET:
        break;
    }
  }

  /// What a role says, with passages of documents in it.
  void take_prompt(std::string& content) {
    auto passages = passages_in(content);
    if (passages.empty())
      return void(take(content, safety_way::asked, 0));
    std::string made;
    std::size_t from = 0;
    for (const auto& one : passages) {
      auto begin = static_cast<std::size_t>(one.text.data() - content.data());
      auto end = begin + one.text.size();
      auto opens = content.rfind('\n', begin < 2 ? 0 : begin - 2);
      opens = opens == content.npos ? 0 : opens + 1;
      auto closes = std::min(content.find('\n', end), content.size());
      made += taken(content.substr(from, opens - from), safety_way::asked, from).first;
      auto [text, found] = taken(std::string{one.text}, safety_way::data, begin);
      auto block = content.substr(opens, begin - opens) + text + content.substr(end, closes - end);
      bool commands = found[static_cast<std::size_t>(safety_check::injection)] > 0;
      made += commands ? wrap_as_data(one.source, block) : block;
      from = closes;
    }
    made += taken(content.substr(from), safety_way::asked, from).first;
    content = std::move(made);
  }

  std::pair<std::string, safety_counts> taken(std::string text, safety_way way,
                                              std::size_t offset) {
    auto found = take(text, way, offset);
    return {std::move(text), found};
  }

  /// What is the same in many calls has the same placeholders in them, and another length. 0: what
  /// was masked goes on behind its end.
  std::uint32_t bytes_of_masked(const std::string& fixed, const std::string& content) {
    auto made = check_text(fixed, rules_.of(safety_way::asked), masked_).text;
    return content.starts_with(made) ? static_cast<std::uint32_t>(made.size()) : 0;
  }

  safety_counts take(std::string& text, safety_way way, std::size_t offset) {
    if (text.empty() || refused || rules_.of(way).is_off())
      return {};
    auto made = check_text(text, rules_.of(way), masked_, offset);
    tally_.add(way, made.found);
    if (made.blocked_by)
      refused = safety_refusal(*made.blocked_by, made.why, where_);
    else
      text = std::move(made.text);
    return made.found;
  }

  const call_rules& rules_;
  placeholders& masked_;
  safety_tally& tally_;
  std::string where_;
};

} // namespace

std::optional<failure> check_question(ModelRequest& asked, const call_rules& rules,
                                      placeholders& masked, safety_tally& tally) {
  for_each_text(asked, [&](const std::string& text) { masked.reserve(text); });
  question_checker checker{rules, masked, tally};
  int number = 0;
  for (auto& message : *asked.mutable_messages())
    checker.check(message, ++number);
  return std::move(checker.refused);
}

std::optional<failure> check_question(EmbeddingRequest& asked, const call_rules& rules,
                                      placeholders& masked, safety_tally& tally) {
  const auto& of_data = rules.of(safety_way::data);
  int number = 0;
  for (auto& text : *asked.mutable_inputs()) {
    ++number;
    auto made = check_text(text, of_data, masked);
    tally.add(safety_way::data, made.found);
    if (made.blocked_by)
      return safety_refusal(*made.blocked_by, made.why, " of text " + std::to_string(number));
    text = std::move(made.text);
  }
  return std::nullopt;
}

failure safety_refusal(safety_check by, std::string_view why, std::string_view where) {
  std::string words{"the safety check \""};
  words.append(to_string(by)).append("\" refuses the call: ").append(why).append(where);
  return {ec::refused, std::move(words)};
}

} // namespace troupe
