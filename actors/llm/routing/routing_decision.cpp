#include "actors/llm/routing/routing_decision.hpp"

#include <cstdio>

namespace troupe {

namespace {

std::string two_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

std::string milliseconds_text(std::chrono::nanoseconds time) {
  return std::to_string(std::chrono::round<std::chrono::milliseconds>(time).count()) + " ms";
}

std::string call_text(const route_question& asked) {
  auto text = std::string{to_string(asked.task)} + ", complexity " + two_digits(asked.complexity)
              + (asked.is_estimated ? " (estimated)" : " (said by the caller)") + ", about "
              + std::to_string(asked.input_tokens) + " tokens";
  if (asked.output_tokens != 0)
    text += ", at most " + std::to_string(asked.output_tokens) + " out";
  for (auto [wants, word] : {std::pair{asked.tools, ", tools"}, std::pair{asked.images, ", images"},
                             std::pair{asked.json_schema, ", JSON schema"}})
    if (wants)
      text += word;
  return text;
}

std::string rule_text(const routing_decision& made, const route_config& route) {
  auto tier = std::string{to_string(made.tier)};
  if (!made.rule)
    return "no rule fits: " + tier;
  const auto& rule = route.rules[*made.rule];
  std::string tasks;
  for (auto task : rule.tasks)
    tasks.append(tasks.empty() ? "" : " or ").append(to_string(task));
  return "rule " + std::to_string(*made.rule + 1) + ": " + (tasks.empty() ? "any task" : tasks)
         + " above " + two_digits(rule.above) + " takes " + tier;
}

bool uses_tiers(route_policy policy) { return policy == route_policy::by_complexity; }

std::string candidate_text(const routing_decision::considered& one, const route_candidate& who) {
  auto text = who.title() + " (" + std::string{to_string(who.can.tier)};
  if (who.price)
    text += ", " + money_text(one.cost);
  else
    text += ", no price known";
  if (one.first_piece.count() > 0)
    text += ", first piece after " + milliseconds_text(one.first_piece);
  if (!who.is_known)
    text += ", what it can do is not known";
  return text + ")";
}

/// What the caller says itself is not the class's.
std::string class_text(const route_class& of, const route_question& asked) {
  auto text = "from " + two_digits(of.from) + ":";
  if (!of.model.empty())
    text += " model " + of.model;
  if (of.temperature && !asked.has_temperature)
    text += " temperature " + two_digits(*of.temperature);
  if (of.output_tokens != 0 && asked.output_tokens == 0)
    text += " output_tokens " + std::to_string(of.output_tokens);
  if (!of.quantization.empty())
    text += " quantization " + of.quantization;
  return text;
}

} // namespace

std::string_view to_string(exclusion why) {
  switch (why) {
    case exclusion::none:
      return "can answer";
    case exclusion::short_context:
      return "the prompt does not fit its context";
    case exclusion::short_output:
      return "it gives no answer of that length";
    case exclusion::no_tools:
      return "it takes no tools";
    case exclusion::no_images:
      return "it takes no images";
    case exclusion::no_json_schema:
      return "it keeps to no JSON schema";
    case exclusion::failing:
      return "its calls failed lately";
    case exclusion::waiting:
      return "its provider takes no more calls for now";
    case exclusion::other_precision:
      return "another one has the quantization that is wanted";
  }
  return "unknown";
}

std::string explain(const routing_decision& made, const route_config& route,
                    const std::vector<route_candidate>& candidates) {
  std::string text = "route " + made.route + ": " + std::string{to_string(made.policy)} + "\n";
  text += "call: " + call_text(made.asked) + "\n";
  if (uses_tiers(made.policy)) {
    text += "tier: " + rule_text(made, route) + "\n";
    if (made.used_tier != made.tier && !made.order.empty())
      text += "tier: no model of it can answer: " + std::string{to_string(made.used_tier)} + "\n";
  }
  if (made.settings)
    text += "settings: " + class_text(route.classes[*made.settings], made.asked) + "\n";
  if (made.explores)
    text += "the first is asked to learn how fast it is now\n";
  std::size_t turn = 0;
  for (auto index : made.order)
    text +=
        std::to_string(++turn) + ". " + candidate_text(made.all[index], candidates[index]) + "\n";
  for (const auto& one : made.all)
    if (one.why != exclusion::none)
      text += "not " + candidates[one.candidate].title() + ": " + std::string{to_string(one.why)}
              + "\n";
  return text;
}

std::string summary_of(const routing_decision& made,
                       const std::vector<route_candidate>& candidates) {
  auto text = std::string{to_string(made.policy)} + ": " + std::string{to_string(made.asked.task)}
              + " " + two_digits(made.asked.complexity);
  if (uses_tiers(made.policy)) {
    text += " takes " + std::string{to_string(made.tier)};
    if (made.used_tier != made.tier)
      text += ", and " + std::string{to_string(made.used_tier)} + " is used";
  }
  if (made.explores)
    text += ", to learn how fast it is";
  return text + "; "
         + (made.order.empty() ? std::string{"nobody"} : candidates[made.order.front()].title());
}

std::string why_nobody(const routing_decision& made,
                       const std::vector<route_candidate>& candidates) {
  std::string text = "no model of the route " + made.route + " can answer this call: ";
  bool first = true;
  for (const auto& one : made.all) {
    text.append(std::exchange(first, false) ? "" : "; ");
    text += candidates[one.candidate].title() + ": " + std::string{to_string(one.why)};
  }
  return text;
}

} // namespace troupe
