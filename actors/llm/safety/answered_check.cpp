#include "actors/llm/safety/answered_check.hpp"

#include "actors/llm/safety/question_check.hpp"

namespace troupe {

namespace {

using within = placeholders::within;

class answered_checker {
public:
  answered_checker(const safety_rules& rules, const placeholders& asked, safety_counts& found)
      : rules_(rules), asked_(asked), found_(found) {
    own_.avoid(asked);
  }

  std::optional<failure> refused;

  /// The answer, or one of several. Its text is that of its parts, so it is counted there.
  template <class Said>
  void check(Said& said) {
    auto text = said.text(), refusal = said.refusal();
    bool has_parts = !said.parts().empty();
    for (auto& part : *said.mutable_parts())
      check(part);
    take(*said.mutable_text(), within::text, !has_parts);
    take(*said.mutable_refusal(), within::text, !has_parts);
    if (said.text() != text || said.refusal() != refusal)
      said.clear_logprobs();
  }

private:
  void check(MessagePart& part) {
    switch (part.kind_case()) {
      case MessagePart::kText:
        return take(*part.mutable_text(), within::text);
      case MessagePart::kRefusal:
        return take(*part.mutable_refusal(), within::text);
      case MessagePart::kToolCall:
        return take(*part.mutable_tool_call()->mutable_arguments(), within::json_text);
      case MessagePart::kThinking:
        return take_thought(*part.mutable_thinking());
      case MessagePart::kImage:
      case MessagePart::kToolResult:
      case MessagePart::KIND_NOT_SET:
        return;
    }
  }

  void take_thought(ThinkingPart& thought) {
    auto text = thought.text();
    take(text, within::text);
    if (thought.signature().empty())
      thought.set_text(std::move(text));
  }

  void take(std::string& text, within of, bool is_counted = true) {
    if (text.empty() || refused)
      return;
    if (!rules_.is_off()) {
      auto made = check_text(text, rules_, own_);
      for (std::size_t check = 0; is_counted && check < safety_checks; ++check)
        found_[check] += made.found[check];
      if (made.blocked_by) {
        refused = safety_refusal(*made.blocked_by, made.why, " of the answer");
        return;
      }
      text = std::move(made.text);
    }
    if (!asked_.empty())
      text = asked_.unmask(text, of);
  }

  const safety_rules& rules_;
  const placeholders& asked_;
  safety_counts& found_;
  placeholders own_; ///< of what is masked here: nobody puts it back
};

} // namespace

std::optional<failure> check_answer(ModelAnswer& answer, const safety_rules& rules,
                                    const placeholders& asked, safety_counts& found) {
  answered_checker checker{rules, asked, found};
  checker.check(answer);
  for (auto& one : *answer.mutable_further())
    checker.check(one);
  return std::move(checker.refused);
}

} // namespace troupe
