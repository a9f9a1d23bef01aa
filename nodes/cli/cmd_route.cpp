#include "actors/agents/role_file.hpp"
#include "actors/llm/routing/router.hpp"
#include "actors/text/text.hpp"
#include "messages/cluster.pb.h"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/load_settings.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/text_escape.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::cli {

namespace {

cli_error usage(const std::string& why) { return {exit_usage, "invalid_argument", why}; }

cli_result<role_file> role_called(const node_config& cfg, const std::string& called) {
  auto all = role_file::load_all(cfg.node.roles);
  if (!all)
    return unexpected{cli_error{exit_config, "config", to_string(all.error())}};
  auto found = all->find(called);
  if (found == all->end())
    return unexpected{usage("there is no role " + called)};
  return std::move(found->second);
}

/// The route that was named, that of the role, or the only one.
cli_result<const route_config*> route_of(const node_config& cfg, const route_command& wanted,
                                         const role_file* role) {
  const auto& all = cfg.catalog.routes;
  auto called = wanted.route;
  if (called.empty() && role)
    called = role->parsed.info.model();
  if (called.empty() && all.size() == 1)
    return &all.front();
  if (const auto* found = cfg.catalog.find_route(called))
    return found;
  std::string names;
  for (const auto& one : all)
    names += (names.empty() ? "" : ", ") + one.name;
  auto there_are = names.empty() ? std::string{"the configuration has no routes"}
                                 : "the routes there are: " + names;
  if (called.empty())
    return unexpected{usage("name a route: " + there_are)};
  return unexpected{usage((wanted.role.empty() ? "there is no route " + called
                                               : "the model of the role " + wanted.role + ", "
                                                     + called + ", is no route")
                          + "; " + there_are)};
}

void add_message(ModelRequest& to, const char* speaker, std::string text) {
  auto* message = to.add_messages();
  message->set_role(speaker);
  message->set_content(std::move(text));
}

/// What a role asks its model when somebody says that to it: its prompts with the text in them.
/// Where its prompt needs more than a message, the text stands alone behind its `system`.
ModelRequest call_of(const script& says, const std::string& text) {
  constexpr std::string_view prompt_name = "answer";
  const template_values values{{"text", template_value{text}},
                               {"question", template_value{fold_space(text)}},
                               {"passages", template_value{""}}};
  if (says.asks(prompt_name))
    if (auto call = says.say(prompt_name, values))
      return *std::move(call);
  ModelRequest call;
  call.set_role(says.role_name);
  call.set_task(says.task);
  call.set_max_output_tokens(says.output_tokens_max);
  if (auto found = says.prompts.find("system"); found != says.prompts.end())
    if (auto filled = found->second.fill(values))
      add_message(call, "system", std::move(filled->text));
  add_message(call, "user", text);
  return call;
}

json decision_json(const routing_decision& made, const std::vector<route_candidate>& candidates) {
  auto order = json::array(), excluded = json::array();
  for (auto index : made.order)
    order.push_back({{"model", candidates[index].title()},
                     {"tier", to_string(candidates[index].can.tier)},
                     {"cost_usd", usd_of(made.all[index].cost)}});
  for (const auto& one : made.all)
    if (one.why != exclusion::none)
      excluded.push_back(
          {{"model", candidates[one.candidate].title()}, {"why", to_string(one.why)}});
  json told{{"route", made.route},
            {"policy", to_string(made.policy)},
            {"task", to_string(made.asked.task)},
            {"complexity", made.asked.complexity},
            {"complexity_is_estimated", made.asked.is_estimated},
            {"input_tokens", made.asked.input_tokens},
            {"tier", to_string(made.tier)},
            {"used_tier", to_string(made.used_tier)},
            {"order", std::move(order)},
            {"excluded", std::move(excluded)}};
  if (made.rule)
    told["rule"] = *made.rule + 1;
  return told;
}

} // namespace

int cmd_route(const route_command& wanted) {
  auto cfg = load_settings(wanted.config, wanted.set);
  if (!cfg)
    return report(cfg.error(), wanted.as_json);
  std::optional<role_file> role;
  if (!wanted.role.empty()) {
    auto found = role_called(*cfg, wanted.role);
    if (!found)
      return report(found.error(), wanted.as_json);
    role = *std::move(found);
  }
  auto route = route_of(*cfg, wanted, role ? &*role : nullptr);
  if (!route)
    return report(route.error(), wanted.as_json);
  ModelRequest call;
  if (role)
    call = call_of(*role->says, wanted.text);
  else
    add_message(call, "user", wanted.text);
  if (!wanted.task.empty())
    call.set_task(wanted.task);
  if (wanted.complexity)
    call.set_complexity(*wanted.complexity);
  if (auto why = mistake_in(call))
    return report(usage(*why), wanted.as_json);
  auto asked = question_of(call);
  auto chosen = make_router(**route, cfg->catalog, known_prices(), known_capabilities());
  std::vector<candidate_health> health(chosen.candidates().size(), candidate_health::fine);
  auto made = chosen.decide(asked, health, instant{});
  if (wanted.as_json)
    print_json(decision_json(made, chosen.candidates()));
  else
    print(terminal_text(explain(made, **route, chosen.candidates())));
  return made.order.empty() ? exit_failed : exit_ok;
}

} // namespace troupe::cli
