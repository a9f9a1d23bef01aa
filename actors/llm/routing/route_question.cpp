#include "actors/llm/routing/route_question.hpp"

#include "actors/text/tokens.hpp"

#include <algorithm>

namespace troupe {

namespace {

/// What a picture takes of a context, at most: 1,600 of Anthropic, 1,445 of OpenAI in high detail.
constexpr std::uint64_t tokens_of_image = 1'600;

void count_part(const MessagePart& part, route_question& to) {
  switch (part.kind_case()) {
    case MessagePart::kText:
      to.input_tokens += count_tokens(part.text());
      return;
    case MessagePart::kImage:
      to.images = true;
      to.input_tokens += tokens_of_image;
      return;
    case MessagePart::kToolCall:
      to.input_tokens += count_tokens(part.tool_call().arguments());
      return;
    case MessagePart::kToolResult:
      to.input_tokens += count_tokens(part.tool_result().text());
      to.images = to.images || !part.tool_result().images().empty();
      to.input_tokens +=
          static_cast<std::uint64_t>(part.tool_result().images_size()) * tokens_of_image;
      return;
    case MessagePart::kThinking:
      to.input_tokens += count_tokens(part.thinking().text());
      return;
    case MessagePart::kRefusal:
      to.input_tokens += count_tokens(part.refusal());
      return;
    case MessagePart::KIND_NOT_SET:
      return;
  }
}

/// The first text of the last message of a user.
std::string_view last_words(const ModelRequest& call) {
  const auto& all = call.messages();
  auto last = std::find_if(all.rbegin(), all.rend(),
                           [](const ChatMessage& one) { return one.role() == "user"; });
  if (last == all.rend())
    return {};
  if (!last->content().empty())
    return last->content();
  auto text = std::find_if(last->parts().begin(), last->parts().end(),
                           [](const MessagePart& part) { return part.has_text(); });
  return text == last->parts().end() ? std::string_view{} : std::string_view{text->text()};
}

} // namespace

std::optional<std::string> mistake_in(const ModelRequest& call) {
  if (!call.task().empty() && !to_task_type(call.task()))
    return "the task of a call is code_generation, planning, analysis or other, not \""
           + call.task() + "\"";
  if (call.has_complexity() && !(call.complexity() >= 0 && call.complexity() <= 1))
    return "the complexity of a call is a number from 0 to 1, not "
           + std::to_string(call.complexity());
  return std::nullopt;
}

route_question question_of(const ModelRequest& call) {
  auto task = to_task_type(call.task());
  auto hardness = call.has_complexity() ? std::optional{call.complexity()} : std::nullopt;
  route_question made;
  for (const auto& message : call.messages()) {
    made.input_tokens += count_tokens(message.content());
    for (const auto& part : message.parts())
      count_part(part, made);
  }
  for (const auto& tool : call.tools())
    made.input_tokens += count_tokens(tool.description()) + count_tokens(tool.parameters());
  made.output_tokens = call.max_output_tokens();
  made.usual_tokens = call.role().empty() ? 0 : usual_output_tokens;
  made.has_temperature = call.has_temperature();
  made.tools = !call.tools().empty();
  made.json_schema = call.has_json_answer() && !call.json_answer().schema().empty();
  made.is_estimated = !hardness;
  if (task && hardness) {
    made.task = *task;
    made.complexity = *hardness;
    return made;
  }
  auto seems = estimate_complexity(last_words(call));
  made.task = task.value_or(seems.task);
  made.complexity = hardness.value_or(seems.value);
  return made;
}

} // namespace troupe
