#include "config/durations.hpp"
#include "config/providers.hpp"
#include "config/routes.hpp"
#include "config/yaml_text.hpp"

#include <array>
#include <charconv>

namespace troupe {

namespace {

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end};
}

std::string show_rule(const route_rule& rule) {
  std::string tasks;
  for (auto task : rule.tasks)
    tasks.append(tasks.empty() ? "" : ", ").append(to_string(task));
  return "{" + (tasks.empty() ? "" : "task: [" + tasks + "], ") + "above: "
         + number_text(rule.above) + ", tier: " + std::string(to_string(rule.tier)) + "}";
}

std::string show_class(const route_class& one) {
  auto shown = "{from: " + number_text(one.from);
  if (!one.model.empty())
    shown += ", model: " + yaml_scalar(one.model);
  if (one.temperature)
    shown += ", temperature: " + number_text(*one.temperature);
  if (one.output_tokens != 0)
    shown += ", output_tokens: " + std::to_string(one.output_tokens);
  if (!one.quantization.empty())
    shown += ", quantization: " + yaml_scalar(one.quantization);
  return shown + "}";
}

} // namespace

std::string show_routes(const std::vector<route_config>& all) {
  if (all.empty())
    return {};
  std::string shown = "routes:\n";
  for (const auto& route : all) {
    shown += "  " + route.name + ":\n";
    shown += "    policy: " + std::string(to_string(route.policy)) + "\n    models:\n";
    for (const auto& model : route.models)
      shown += "      - " + yaml_scalar(model) + "\n";
    shown += route.rules.empty() ? "    rules: []\n" : "    rules:\n";
    for (const auto& rule : route.rules)
      shown += "      - " + show_rule(rule) + "\n";
    shown += "    otherwise: " + std::string(to_string(route.otherwise)) + "\n";
    if (!route.classes.empty())
      shown += "    classes:\n";
    for (const auto& one : route.classes)
      shown += "      - " + show_class(one) + "\n";
    const auto& tries = route.attempts;
    shown += "    attempts: {each: " + std::to_string(tries.each)
             + ", all: " + std::to_string(tries.all) + ", pause: " + format_duration(tries.pause)
             + ", pause_max: " + format_duration(tries.pause_max)
             + ", hedge: " + format_duration(tries.hedge) + "}\n";
    shown += "    accept: " + number_text(route.accept) + "\n";
  }
  return shown;
}

std::vector<described_key> describe_routes() {
  return {
      {"routes.NAME.policy", "fixed, by_complexity, cheapest, fastest, cascade", "by_complexity",
       "how one of its models is chosen; in a file only"},
      {"routes.NAME.models", "list of PROVIDER/MODEL, aliases, offline", "",
       "the models that may answer, in the order in which they are tried"},
      {"routes.NAME.rules", "list of {task, above, tier}", "code over 0.8, planning over 0.6",
       "which tier a call takes, by its task and complexity (0 to 1)"},
      {"routes.NAME.otherwise", "small, medium, large", "small", "the tier if no rule fits"},
      {"routes.NAME.classes", "list of {from, model, temperature, output_tokens, quantization}", "",
       "settings of calls from that complexity on"},
      {"routes.NAME.attempts", "{each, all, pause, pause_max, hedge}", "{2, 6, 250ms, 8s, 0ms}",
       "how often a model is tried and all together, pauses, and when a second one is asked too"},
      {"routes.NAME.accept", "number from 0 to 1", "0.5",
       "of a cascade: the least score of an answer that is taken"},
  };
}

} // namespace troupe
