#include "actors/agents/answer_check.hpp"

#include "config/base/utf8.hpp"
#include "config/limits/dialects.hpp"
#include "telemetry/text_escape.hpp"

#include <algorithm>
#include <string_view>

namespace troupe {

namespace {

std::string in_quotation_marks(std::string_view words) {
  auto shown = utf8_prefix(words, limits::quoted_bytes_max);
  return '"' + one_line(shown) + (shown.size() < words.size() ? "\"..." : "\"");
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// " (content_filter)"
std::string reason_of(const ModelAnswer& answer) {
  auto reason = utf8_prefix(answer.finish_reason(), limits::quoted_bytes_max);
  return reason.empty() ? std::string{} : " (" + one_line(reason) + ')';
}

const ToolCall* first_call(const ModelAnswer& answer) {
  auto found = std::find_if(answer.parts().begin(), answer.parts().end(),
                            [](const MessagePart& part) { return part.has_tool_call(); });
  return found == answer.parts().end() ? nullptr : &found->tool_call();
}

/// The model that is built in chooses from what it is given: where there is no sentence, there is
/// nothing to say.
bool may_say_nothing(const ModelAnswer& answer) { return answer.provider() == "offline"; }

/// "the limit of 100 tokens"
std::string limit_of(const answer_terms& terms) {
  return terms.tokens_max == 0 ? "the model's own limit"
                               : "the limit of " + std::to_string(terms.tokens_max) + " tokens";
}

std::string why_empty(const ModelAnswer& answer, const answer_terms& terms) {
  if (answer.finish() == FINISH_LENGTH)
    return title_of(answer) + " came to " + limit_of(terms)
           + " before it had said a word: give its role more, by limits.output_tokens";
  return title_of(answer) + " answered with no text" + reason_of(answer);
}

} // namespace

answer_terms terms_of(const ModelRequest& call) {
  return {call.max_output_tokens(), !call.tools().empty(), call.purpose()};
}

std::string title_of(const ModelAnswer& answer) {
  if (answer.provider().empty() || answer.provider() == answer.model())
    return answer.model();
  return answer.provider() + '/' + answer.model();
}

result<void> check_answer(const ModelAnswer& answer, const answer_terms& terms) {
  auto who = [&] { return title_of(answer); };
  if (answer.finish() == FINISH_REFUSED || !answer.refusal().empty()) {
    const auto& words = answer.refusal().empty() ? answer.text() : answer.refusal();
    return fail(ec::refused,
                who() + " refuses to answer"
                    + (is_blank(words) ? reason_of(answer) : ": " + in_quotation_marks(words)));
  }
  if (answer.finish() == FINISH_PAUSED)
    return fail(ec::provider_failed,
                who() + " paused within its answer" + reason_of(answer) + ", which is not whole");
  auto called = first_call(answer);
  if (terms.may_call && (called || answer.finish() == FINISH_TOOL_CALLS))
    return {};
  if (called || answer.finish() == FINISH_TOOL_CALLS)
    return fail(
        ec::provider_failed,
        who() + " does not answer but calls "
            + (called ? "the tool " + in_quotation_marks(called->name()) : std::string{"a tool"})
            + ", and it was offered none");
  if (is_blank(answer.text()) && !may_say_nothing(answer))
    return fail(ec::provider_failed, why_empty(answer, terms));
  return {};
}

std::optional<std::string> note_on(const ModelAnswer& answer, const answer_terms& terms) {
  if (answer.finish() != FINISH_LENGTH)
    return std::nullopt;
  bool is_the_answer = terms.purpose.empty() || terms.purpose == "answer";
  return "the answer of " + title_of(answer)
         + (is_the_answer ? "" : " to the prompt \"" + terms.purpose + '"') + " was cut at "
         + limit_of(terms);
}

} // namespace troupe
