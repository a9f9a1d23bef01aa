#include "config/routes.hpp"

#include "config/config.hpp"
#include "config/durations.hpp"
#include "config/keys.hpp"
#include "config/providers.hpp"
#include "config/yaml.hpp"

#include <algorithm>

namespace troupe {

namespace {

using loaded = config_result<void>;

constexpr task_type task_types[] = {task_type::other, task_type::code_generation,
                                    task_type::planning, task_type::analysis};
constexpr route_policy policies[] = {route_policy::fixed, route_policy::by_complexity,
                                     route_policy::cheapest, route_policy::fastest,
                                     route_policy::cascade};

std::string list_of_policies() {
  std::string all;
  for (auto one : policies)
    all.append(all.empty() ? "" : ", ").append(to_string(one));
  return all;
}

class route_reader {
public:
  route_reader(const std::string& name, const yaml_node& value)
      : value_(value), in_(value, "route " + name) {
    made_.name = name;
  }

  config_result<route_config> read() {
    read_policy();
    in_.need("models", made_.models);
    if (!in_.failed() && (made_.models.empty() || made_.models.size() > limits::route_models_max))
      fail_at("models", "expected 1 to " + std::to_string(limits::route_models_max)
                            + " models, found " + std::to_string(made_.models.size()));
    made_.rules = usual_rules();
    if (auto list = in_.may("rules"))
      read_rules(*list);
    read_tier(in_, value_, "otherwise", made_.otherwise, false);
    if (auto list = in_.may("classes"))
      read_classes(*list);
    if (auto given = in_.may("attempts"))
      read_attempts(*given);
    in_.may("accept", made_.accept, 0.0, 1.0);
    if (auto done = in_.done(); !done)
      return unexpected{std::move(done).error()};
    return std::move(made_);
  }

private:
  void fail_at(std::string_view key, const std::string& why) {
    auto at = value_.find(key);
    in_.fail(
        (at ? *at : value_).error("route " + made_.name + ": " + std::string(key) + ": " + why));
  }

  void read_policy() {
    std::string word{to_string(made_.policy)};
    in_.may("policy", word);
    auto found = std::find_if(std::begin(policies), std::end(policies),
                              [&](auto one) { return to_string(one) == word; });
    if (found != std::end(policies))
      made_.policy = *found;
    else if (!in_.failed())
      fail_at("policy", mismatch(list_of_policies(), word).error);
  }

  static void read_tier(yaml_reader& in, const yaml_node& value, std::string_view key,
                        model_tier& to, bool required) {
    std::string word{to_string(to)};
    if (required)
      in.need(key, word);
    else
      in.may(key, word);
    if (auto tier = to_model_tier(word))
      to = *tier;
    else if (auto at = value.find(key); at && !in.failed())
      in.fail(at->error(std::string(key) + ": " + mismatch("small, medium or large", word).error));
  }

  /// One word, or a list of them.
  static void read_tasks(yaml_reader& in, std::vector<task_type>& to) {
    auto given = in.may("task");
    if (!given)
      return;
    std::vector<yaml_node> words{*given};
    if (given->is_list())
      words = *given->list();
    for (const auto& word : words) {
      auto text = word.text();
      auto task = text ? to_task_type(*text) : std::nullopt;
      if (task)
        to.push_back(*task);
      else
        in.fail(word.error("task: expected code_generation, planning, analysis or other, found "
                           + word.found()));
    }
  }

  void read_rules(const yaml_node& list) {
    auto items = list.list();
    if (!items)
      return in_.fail(std::move(items).error());
    if (items->size() > limits::route_rules_max)
      return fail_at("rules", "expected at most " + std::to_string(limits::route_rules_max)
                                  + " rules, found " + std::to_string(items->size()));
    made_.rules.clear();
    for (const auto& item : *items) {
      route_rule made;
      yaml_reader one(item, "a rule of route " + made_.name);
      read_tasks(one, made.tasks);
      one.may("above", made.above, 0.0, 1.0);
      read_tier(one, item, "tier", made.tier, true);
      in_.keep(one.done());
      made_.rules.push_back(std::move(made));
    }
  }

  void read_classes(const yaml_node& list) {
    auto items = list.list();
    if (!items)
      return in_.fail(std::move(items).error());
    if (items->size() > limits::route_classes_max)
      return fail_at("classes", "expected at most " + std::to_string(limits::route_classes_max)
                                    + " classes, found " + std::to_string(items->size()));
    for (const auto& item : *items) {
      route_class made;
      double temperature = -1;
      constexpr double hottest = 2;
      yaml_reader one(item, "a class of route " + made_.name);
      one.may("from", made.from, 0.0, 1.0);
      one.may("model", made.model);
      one.may("temperature", temperature, 0.0, hottest);
      one.may("output_tokens", made.output_tokens, 1,
              static_cast<std::int64_t>(std::numeric_limits<std::int32_t>::max()));
      one.may("quantization", made.quantization);
      if (temperature >= 0)
        made.temperature = temperature;
      if (!made_.classes.empty() && made.from <= made_.classes.back().from)
        one.fail(item.error("a class begins above the one before it: write them in order"));
      in_.keep(one.done());
      made_.classes.push_back(std::move(made));
    }
  }

  void read_attempts(const yaml_node& given) {
    auto& to = made_.attempts;
    yaml_reader in(given, "attempts of route " + made_.name);
    in.may("each", to.each, 1, limits::attempts_max);
    in.may("all", to.all, 1, limits::attempts_max);
    for (auto [key, into] : {std::pair{"pause", &to.pause}, std::pair{"pause_max", &to.pause_max},
                             std::pair{"hedge", &to.hedge}}) {
      in.may(key, *into);
      if (*into > limits::provider_timeout_max)
        in.fail(given.find(key)->error(std::string(key) + ": expected a duration, at most "
                                       + format_duration(limits::provider_timeout_max)));
    }
    auto pause = given.find("pause");
    if (to.pause > to.pause_max && pause && !in.failed())
      in.fail(pause->error("pause: " + format_duration(to.pause) + " is longer than pause_max, "
                           + format_duration(to.pause_max)));
    to.pause = std::min(to.pause, to.pause_max);
    in_.keep(in.done());
  }

  const yaml_node& value_;
  yaml_reader in_;
  route_config made_;
};

} // namespace

std::string_view to_string(task_type task) {
  switch (task) {
    case task_type::other:
      return "other";
    case task_type::code_generation:
      return "code_generation";
    case task_type::planning:
      return "planning";
    case task_type::analysis:
      return "analysis";
  }
  return "unknown";
}

std::optional<task_type> to_task_type(std::string_view word) {
  for (auto task : task_types)
    if (to_string(task) == word)
      return task;
  return std::nullopt;
}

std::string_view to_string(route_policy policy) {
  switch (policy) {
    case route_policy::fixed:
      return "fixed";
    case route_policy::by_complexity:
      return "by_complexity";
    case route_policy::cheapest:
      return "cheapest";
    case route_policy::fastest:
      return "fastest";
    case route_policy::cascade:
      return "cascade";
  }
  return "unknown";
}

const std::vector<route_rule>& usual_rules() {
  static const std::vector<route_rule> rules{
      {{task_type::code_generation}, 0.8, model_tier::large},
      {{task_type::planning, task_type::analysis}, 0.6, model_tier::medium}};
  return rules;
}

config_result<std::vector<route_config>> read_routes(const yaml_node& section) {
  auto fields = section.fields();
  if (!fields)
    return section.fail("routes: expected a mapping from a name to {policy, models, ...}, found "
                        + section.found());
  if (fields->size() > limits::routes_max)
    return section.fail("routes: expected at most " + std::to_string(limits::routes_max)
                        + " routes, found " + std::to_string(fields->size()));
  std::vector<route_config> all;
  for (const auto& [field, value] : *fields) {
    const auto& name = field.raw().Scalar();
    if (auto fine = check_plain_name(name); !fine)
      return field.fail("the name of a route: " + fine.error());
    if (name == "offline")
      return field.fail("offline is the built-in model: a route needs another name");
    auto read = route_reader{name, value}.read();
    if (!read)
      return unexpected{std::move(read).error()};
    all.push_back(*std::move(read));
  }
  return all;
}

loaded check_routes(const std::vector<route_config>& all, const models_catalog& models,
                    const yaml_node& section) {
  for (const auto& route : all) {
    auto value = section.find(route.name);
    auto fail = [&](const yaml_node& at, const std::string& why) {
      return at.fail("routes." + route.name + ": " + why);
    };
    if (models.aliases.contains(route.name))
      return fail(*value, "an alias has that name, too");
    if (models.find(route.name))
      return fail(*value, "a provider has that name, too");
    auto items = value->find("models")->list();
    std::vector<resolved_model> meant;
    for (std::size_t i = 0; i < route.models.size(); ++i) {
      const auto& named = route.models[i];
      if (models.find_route(named))
        return fail((*items)[i], "a route is no model of a route: " + named);
      auto found = resolve_model(models, named);
      if (!found)
        return fail((*items)[i], found.error());
      if (std::any_of(meant.begin(), meant.end(), [&](const resolved_model& other) {
            return other.provider == found->provider && other.model == found->model;
          }))
        return fail((*items)[i], named + " is one of its models already");
      meant.push_back(*std::move(found));
    }
    auto is_of_route = [&](const resolved_model& one) {
      return std::any_of(meant.begin(), meant.end(), [&](const resolved_model& other) {
        return other.provider == one.provider && other.model == one.model;
      });
    };
    for (const auto& one : route.classes) {
      auto found = resolve_model(models, one.model);
      if (one.model.empty())
        continue;
      if (!found)
        return fail(*value->find("classes"), found.error());
      if (!is_of_route(*found))
        return fail(*value->find("classes"), one.model + " is none of the models of the route");
    }
  }
  return {};
}

} // namespace troupe
