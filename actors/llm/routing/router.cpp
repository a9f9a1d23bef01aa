#include "actors/llm/routing/router.hpp"

#include <algorithm>
#include <cassert>
#include <cstdlib>

namespace troupe {

namespace {

exclusion to_exclusion(candidate_health how) {
  switch (how) {
    case candidate_health::fine:
      return exclusion::none;
    case candidate_health::failing:
      return exclusion::failing;
    case candidate_health::waiting:
      return exclusion::waiting;
  }
  return exclusion::none;
}

/// It can answer, but it is better not to ask it now.
bool is_passing(exclusion why) { return why == exclusion::failing || why == exclusion::waiting; }

/// How far from the tier that is wanted: one that can do more comes before one that can do less.
int distance(model_tier wanted, model_tier is) {
  auto more = static_cast<int>(is) - static_cast<int>(wanted);
  return more >= 0 ? 2 * more : -2 * more + 3;
}

/// A price that is not known is no low price.
bool is_cheaper(const routing_decision& made, const std::vector<route_candidate>& all,
                std::uint16_t a, std::uint16_t b) {
  auto has_price = [&](std::uint16_t index) {
    return all[index].price != nullptr || all[index].provider == "offline";
  };
  if (has_price(a) != has_price(b))
    return has_price(a);
  return made.all[a].cost < made.all[b].cost;
}

void put_first(std::vector<std::uint16_t>& order, std::size_t candidate) {
  auto at = std::find(order.begin(), order.end(), candidate);
  if (at != order.end())
    std::rotate(order.begin(), at, at + 1);
}

} // namespace

router::router(route_config route, std::vector<route_candidate> candidates)
    : route_(std::move(route)), candidates_(std::move(candidates)), times_(candidates_.size()) {
  for (const auto& one : route_.classes) {
    auto named = std::find_if(candidates_.begin(), candidates_.end(), [&](const auto& candidate) {
      return candidate.title() == one.model;
    });
    class_models_.push_back(
        named == candidates_.end() ? -1 : static_cast<int>(named - candidates_.begin()));
  }
}

routing_decision router::decide(const route_question& asked,
                                std::span<const candidate_health> health, instant now) {
  assert(health.size() == candidates_.size());
  routing_decision made;
  made.route = route_.name;
  made.policy = route_.policy;
  made.asked = asked;
  say_tier(made);
  say_settings(made);
  consider(made, health);
  keep_quantization(made);
  switch (route_.policy) {
    case route_policy::fixed:
      break;
    case route_policy::by_complexity:
      order_by_tier(made);
      break;
    case route_policy::cheapest:
    case route_policy::cascade:
      std::stable_sort(made.order.begin(), made.order.end(),
                       [&](auto a, auto b) { return is_cheaper(made, candidates_, a, b); });
      break;
    case route_policy::fastest:
      prefer_fast(made, now);
      break;
  }
  prefer_model_of_class(made);
  made.used_tier = made.order.empty() ? made.tier : candidates_[made.order.front()].can.tier;
  return made;
}

void router::say_tier(routing_decision& made) const {
  made.tier = route_.otherwise;
  for (std::size_t i = 0; i < route_.rules.size(); ++i) {
    const auto& rule = route_.rules[i];
    bool is_meant =
        rule.tasks.empty()
        || std::find(rule.tasks.begin(), rule.tasks.end(), made.asked.task) != rule.tasks.end();
    if (!is_meant || (rule.above > 0 && made.asked.complexity <= rule.above))
      continue;
    made.tier = rule.tier;
    made.rule = static_cast<std::uint16_t>(i);
    return;
  }
}

void router::say_settings(routing_decision& made) const {
  for (std::size_t i = 0; i < route_.classes.size(); ++i)
    if (made.asked.complexity >= route_.classes[i].from)
      made.settings = static_cast<std::uint16_t>(i);
}

/// That may come at most; 0: nobody bounds it.
std::uint64_t router::output_bound(const routing_decision& made) const {
  if (made.asked.output_tokens != 0)
    return made.asked.output_tokens;
  auto of_class = made.settings ? route_.classes[*made.settings].output_tokens : 0;
  return of_class != 0 ? of_class : made.asked.usual_tokens;
}

exclusion router::why_not(const route_candidate& one, const route_question& asked,
                          std::uint64_t bound) {
  const auto& can = one.can;
  if (asked.tools && !can.tools)
    return exclusion::no_tools;
  if (asked.images && !can.images)
    return exclusion::no_images;
  if (asked.json_schema && !can.json_schema)
    return exclusion::no_json_schema;
  if (can.output_tokens != 0 && bound > can.output_tokens)
    return exclusion::short_output;
  auto output = bound != 0 ? bound : limits::assumed_output_tokens;
  if (can.context_tokens != 0 && asked.input_tokens + output > can.context_tokens)
    return exclusion::short_context;
  return exclusion::none;
}

void router::consider(routing_decision& made, std::span<const candidate_health> health) const {
  made.all.reserve(candidates_.size());
  made.order.reserve(candidates_.size());
  auto bound = output_bound(made);
  auto output = bound != 0 ? bound : limits::assumed_output_tokens;
  auto count = static_cast<std::uint16_t>(candidates_.size());
  for (std::uint16_t i = 0; i < count; ++i) {
    const auto& one = candidates_[i];
    auto why = why_not(one, made.asked, bound);
    if (why == exclusion::none)
      why = to_exclusion(health[i]);
    made.all.push_back({i, why, one.cost_of(made.asked.input_tokens, output), times_.average(i)});
    if (why == exclusion::none)
      made.order.push_back(i);
  }
  if (!made.order.empty())
    return;
  for (auto& one : made.all) // a wrong guess about health must not be an error
    if (is_passing(one.why)) {
      one.why = exclusion::none;
      made.order.push_back(one.candidate);
    }
}

/// "Where a provider offers it": if nobody does, all are as good.
void router::keep_quantization(routing_decision& made) const {
  if (!made.settings)
    return;
  const auto& wanted = route_.classes[*made.settings].quantization;
  auto has = [&](std::uint16_t index) { return candidates_[index].can.quantization == wanted; };
  if (wanted.empty() || std::none_of(made.order.begin(), made.order.end(), has))
    return;
  for (auto index : made.order)
    if (!has(index))
      made.all[index].why = exclusion::other_precision;
  made.order.erase(
      std::remove_if(made.order.begin(), made.order.end(), [&](auto index) { return !has(index); }),
      made.order.end());
}

void router::order_by_tier(routing_decision& made) const {
  auto far = [&](std::uint16_t index) { return distance(made.tier, candidates_[index].can.tier); };
  std::stable_sort(made.order.begin(), made.order.end(), [&](auto a, auto b) {
    if (far(a) != far(b))
      return far(a) < far(b);
    return is_cheaper(made, candidates_, a, b);
  });
}

void router::prefer_model_of_class(routing_decision& made) const {
  if (made.settings && class_models_[*made.settings] >= 0)
    put_first(made.order, static_cast<std::size_t>(class_models_[*made.settings]));
}

void router::prefer_fast(routing_decision& made, instant now) {
  std::stable_sort(made.order.begin(), made.order.end(),
                   [&](auto a, auto b) { return times_.average(a) < times_.average(b); });
  if (auto chosen = times_.explore(made.order, now)) {
    made.explores = chosen != made.order.front();
    put_first(made.order, *chosen);
  }
}

route_candidate candidate_of(const resolved_model& found, const std::vector<model_price>& prices,
                             const std::vector<model_capabilities>& known) {
  route_candidate made;
  made.provider = found.provider ? found.provider->name : "offline";
  made.model = found.model;
  const model_capabilities* can = nullptr;
  if (found.provider) {
    can = find_capabilities(found.provider->capabilities, found.model);
    made.price = price_of(*found.provider, found.model, prices);
  }
  if (!can)
    can = find_capabilities(known, found.model);
  made.is_known = can != nullptr;
  if (can)
    made.can = *can;
  return made;
}

std::vector<route_candidate> resolve_candidates(const route_config& route,
                                                const models_catalog& models,
                                                const std::vector<model_price>& prices,
                                                const std::vector<model_capabilities>& known) {
  std::vector<route_candidate> all;
  for (const auto& named : route.models)
    if (auto found = resolve_model(models, named))
      all.push_back(candidate_of(*found, prices, known));
  return all;
}

router make_router(const route_config& route, const models_catalog& models,
                   const std::vector<model_price>& prices,
                   const std::vector<model_capabilities>& known) {
  auto made = route;
  for (auto& one : made.classes)
    if (auto found = resolve_model(models, one.model); !one.model.empty() && found)
      one.model = candidate_of(*found, prices, known).title();
  return router{std::move(made), resolve_candidates(route, models, prices, known)};
}

} // namespace troupe
