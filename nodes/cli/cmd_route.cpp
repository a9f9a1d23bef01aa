#include "actors/agents/role.hpp"
#include "actors/llm/routing/router.hpp"
#include "messages/cluster.pb.h"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/load_settings.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/text_escape.hpp"

#include <optional>
#include <string>
#include <vector>

namespace troupe::cli {

namespace {

cli_error usage(const std::string& why) { return {exit_usage, "invalid_argument", why}; }

/// The model of a role, which should be the name of a route.
cli_result<std::string> model_of_role(const node_config& cfg, const std::string& called) {
  auto roles = load_roles(cfg.node.roles);
  if (!roles)
    return unexpected{cli_error{exit_config, "config", to_string(roles.error())}};
  auto found = roles->find(called);
  if (found == roles->end())
    return unexpected{usage("there is no role " + called)};
  return found->second->info.model();
}

/// The route that was named, that of the role, or the only one.
cli_result<const route_config*> route_of(const node_config& cfg, const route_command& wanted) {
  const auto& all = cfg.catalog.routes;
  auto called = wanted.route;
  if (called.empty() && !wanted.role.empty()) {
    auto model = model_of_role(cfg, wanted.role);
    if (!model)
      return unexpected{model.error()};
    called = *model;
  }
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
  auto route = route_of(*cfg, wanted);
  if (!route)
    return report(route.error(), wanted.as_json);
  std::optional<task_type> task;
  if (!wanted.task.empty()) {
    task = to_task_type(wanted.task);
    if (!task)
      return report(
          usage("--task is code_generation, planning, analysis or other, not " + wanted.task),
          wanted.as_json);
  }
  ModelRequest call;
  auto* message = call.add_messages();
  message->set_role("user");
  message->set_content(wanted.text);
  auto asked = question_of(call, task, wanted.complexity);
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
