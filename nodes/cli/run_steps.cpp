#include "nodes/cli/run_steps.hpp"

#include "config/base/count_of.hpp"
#include "config/prices.hpp"
#include "nodes/cli/run_words.hpp"
#include "telemetry/text_escape.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::cli {

namespace {

constexpr int steps_shown_max = 500;

std::string_view word_of(StepState state) {
  switch (state) {
    case STEP_RECORDED:
      return "recorded";
    case STEP_NOT_RECORDED:
      return "not recorded";
    case STEP_OPEN:
      return "open";
    default:
      return "unknown";
  }
}

std::string outcome_text(const StepShown& step, bool colours) {
  std::string word{word_of(step.state())};
  if (step.state() == STEP_UNKNOWN)
    return painted(word, colour::yellow, colours);
  return step.has_failure() ? painted("failed", colour::red, colours) : word;
}

/// The words for people begin with the kind: "chat gpt-5".
std::pair<std::string, std::string> kind_and_question(const StepShown& step) {
  auto space = step.what().find(' ');
  auto first = step.what().substr(0, space);
  bool is_model = first == "chat" || first == "embeddings";
  if (is_model)
    return {"model call", step.what()};
  return {first, space == std::string::npos ? "-" : step.what().substr(space + 1)};
}

json step_json(const StepShown& step) {
  json made{{"number", step.number()},
            {"kind", kind_and_question(step).first},
            {"asked", step.what()},
            {"outcome", word_of(step.state())},
            {"attempts", step.attempts()},
            {"unknown", step.unknown()},
            {"input_tokens", step.input_tokens()},
            {"output_tokens", step.output_tokens()},
            {"cost_usd", usd_of(step.cost_nano_usd())}};
  if (step.has_failure())
    made["error"] = to_json(from_proto(step.failure()));
  return made;
}

} // namespace

std::string steps_text(const shown_steps& steps, bool colours) {
  if (steps.empty())
    return "\nno steps\n";
  std::vector<std::vector<std::string>> rows{
      {"TASK", "STEP", "KIND", "ASKED", "OUTCOME", "ATTEMPTS", "TOKENS", "COST", "NOTES"}};
  for (const auto& step : steps) {
    if (static_cast<int>(rows.size()) > steps_shown_max)
      break;
    auto [kind, question] = kind_and_question(step);
    auto notes = paid_twice_text(step.unknown());
    if (step.has_failure())
      notes += (notes.empty() ? "" : "; ") + step.failure().message();
    bool used = step.input_tokens() > 0 || step.output_tokens() > 0;
    rows.push_back(
        {one_line(step.task()), std::to_string(step.number()), one_line(kind), one_line(question),
         outcome_text(step, colours), std::to_string(step.attempts()),
         used ? std::to_string(step.input_tokens()) + "→" + std::to_string(step.output_tokens())
              : "-",
         step.cost_nano_usd() > 0 ? money_text(step.cost_nano_usd()) : "-", one_line(notes)});
  }
  auto text = "\n" + table(rows, colours);
  if (steps.size() > steps_shown_max)
    text += "and "
            + count_of(static_cast<std::uint64_t>(steps.size() - steps_shown_max), "more step")
            + "; --json has all\n";
  return text;
}

void add_steps(json& shown, const shown_steps& steps) {
  auto& tasks = shown["tasks"];
  std::map<std::string, std::size_t, std::less<>> listed;
  for (auto& task : tasks) {
    task["steps"] = json::array();
    listed.emplace(task.at("task").get<std::string>(), listed.size());
  }
  for (const auto& step : steps) {
    auto [at, is_new] = listed.try_emplace(step.task(), listed.size());
    if (is_new)
      tasks.push_back({{"task", step.task()}, {"steps", json::array()}});
    tasks[at->second]["steps"].push_back(step_json(step));
  }
}

} // namespace troupe::cli
