#include "actors/coordination/graph_plan.hpp"

#include "actors/coordination/graph_inputs.hpp"
#include "actors/coordination/graph_planner.hpp"
#include "config/limits/work.hpp"
#include "messages/name.hpp"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"

#include <algorithm>
#include <chrono>

namespace troupe {

config_result<void> graph_planner::check_head() {
  if (graph_.tasks().empty())
    return bad(error(graph_positions::whole, "tasks", "a graph has at least one task"));
  if (size() > limits::graph_tasks_max)
    return bad(error(graph_positions::whole, "tasks",
                     "a graph has at most " + std::to_string(limits::graph_tasks_max) + " tasks"));
  return {};
}

config_result<void> graph_planner::check_inputs() {
  for (int i = 0; i < graph_.inputs_size(); ++i) {
    const auto& in = graph_.inputs(i);
    auto part = "inputs." + in.name();
    if (!is_role_name(in.name()))
      return bad(error(graph_positions::whole, part,
                       "an input is named with lower-case letters, digits, `-` and `_`, beginning "
                       "with a letter: `"
                           + in.name() + "` is not"));
    if (input(in.name()) != &in)
      return bad(error(graph_positions::whole, part, "the input `" + in.name() + "` stands twice"));
    if (!is_input_type(in.type()))
      return bad(
          error(graph_positions::whole, part,
                "the type of an input is text, integer, number, flag, list, folder or file: `"
                    + in.type() + "` is not"));
    if (in.has_default_value())
      if (auto fits = check_input_type(in, in.default_value()); !fits)
        return bad(error(graph_positions::whole, part,
                         "the default of the input: " + fits.error().message));
  }
  return {};
}

config_result<void> graph_planner::check_tasks() {
  plan_.steps.resize(size());
  for (std::uint32_t at = 0; at < size(); ++at) {
    if (!is_role_name(task(at).id()))
      return bad(error(at, "id",
                       "the id of a task is written with lower-case letters, digits, `-` and `_`, "
                       "beginning with a letter: `"
                           + task(at).id() + "` is not"));
    if (!ids_.add(at)) {
      auto first = static_cast<int>(task(ids_.find(task(at).id())).line());
      return bad(error(at, "id",
                       "the id `" + task(at).id() + "` is taken by another task"
                           + (first > 0 ? " (line " + std::to_string(first) + ")" : "")));
    }
    if (auto fine = check_numbers(at); !fine)
      return fine;
    auto role = role_index(at);
    if (!role)
      return unexpected{std::move(role).error()};
    plan_.steps[at].role = *role;
  }
  return {};
}

config_result<void> graph_planner::check_numbers(std::uint32_t at) const {
  if (task(at).attempts() > limits::task_attempts_max)
    return bad(
        error(at, "attempts",
              "a task has at most " + std::to_string(limits::task_attempts_max) + " attempts"));
  constexpr auto longest = std::chrono::milliseconds{limits::task_timeout}.count();
  if (task(at).time_ms() > static_cast<std::uint64_t>(longest))
    return bad(error(at, "time", "an attempt takes at most " + std::to_string(longest) + " ms"));
  return {};
}

config_result<std::uint32_t> graph_planner::role_index(std::uint32_t at) {
  const auto& role = task(at).role();
  for (std::uint32_t i = 0; i < plan_.roles.size(); ++i)
    if (*plan_.roles[i] == role)
      return i;
  if (known_ && known_->find(role) == known_->end()) {
    std::vector<std::string_view> all{known_->begin(), known_->end()};
    return unexpected{error(
        at, "role",
        titled(at) + " is for the role `" + role + "`, for which no node of this cluster does tasks"
            + did_you_mean(role, all) + "; `troupe roles` lists those there are")};
  }
  plan_.roles.push_back(&role);
  return static_cast<std::uint32_t>(plan_.roles.size() - 1);
}

void graph_planner::need(std::uint32_t at, std::uint32_t on, bool each) {
  auto i = last_need_[on];
  if (i >= needed_begin_[at] && i < needed_.size()) {
    needed_[i].each = needed_[i].each && each;
    return;
  }
  last_need_[on] = static_cast<std::uint32_t>(needed_.size());
  needed_.push_back({on, each});
}

config_result<void> graph_planner::link_tasks() {
  needed_begin_.reserve(size() + 1);
  last_need_.assign(size(), none);
  for (std::uint32_t at = 0; at < size(); ++at) {
    needed_begin_.push_back(static_cast<std::uint32_t>(needed_.size()));
    if (auto fine = link_task(at); !fine)
      return fine;
  }
  needed_begin_.push_back(static_cast<std::uint32_t>(needed_.size()));
  return {};
}

config_result<void> graph_planner::link_task(std::uint32_t at) {
  auto& step = plan_.steps[at];
  std::uint32_t each_of = none;
  if (task(at).has_for_each()) {
    if (auto fine = check_for_each(at); !fine)
      return fine;
    each_of = step.each ? step.for_each_task : none;
  }
  step.fields_begin = static_cast<std::uint32_t>(plan_.fields.size());
  for (const auto& [name, from] : task(at).input()) {
    auto on = check_source(from, at, "input." + name);
    if (!on)
      return unexpected{std::move(on).error()};
    plan_.fields.push_back({&name, &from, *on});
    if (*on != none) {
      need(at, *on, false);
      step.each = step.each && *on != each_of; // it needs the whole list, too
    }
  }
  step.fields_end = static_cast<std::uint32_t>(plan_.fields.size());
  if (step.for_each_task != none)
    need(at, step.for_each_task, step.each);
  for (int i = 0; i < task(at).needs_size(); ++i) {
    const auto& id = task(at).needs(i);
    auto on = ids_.find(id);
    auto part = "needs." + std::to_string(i);
    if (on == none)
      return bad(error(at, part,
                       titled(at) + " needs `" + id + "`, which is not a task of this graph"
                           + guess_task(id)));
    if (on == at)
      return bad(error(at, part, titled(at) + " needs itself"));
    need(at, on, on == each_of && step.each);
  }
  return {};
}

config_result<void> graph_planner::check_for_each(std::uint32_t at) {
  const auto& list = task(at).for_each();
  auto on = check_source(list, at, "for_each");
  if (!on)
    return unexpected{std::move(on).error()};
  auto& step = plan_.steps[at];
  step.for_each_task = *on;
  step.each = *on != none && task(*on).has_for_each();
  auto not_a_list = [&](const std::string& what) {
    return bad(error(at, "for_each", "for_each of " + titled(at) + " wants a list; " + what));
  };
  if (list.from_case() == Source::kLiteral && list.literal().kind_case() != Value::kList)
    return not_a_list("write one as [a, b], or refer to one as $inputs.NAME or $tasks.ID");
  if (list.from_case() == Source::kInput) {
    const auto& type = input(list.input())->type();
    if (type == "folder" && list.path().empty())
      return not_a_list("the documents of a folder are $inputs." + list.input() + ".documents");
    if (type != "list" && type != "folder")
      return not_a_list("the input `" + list.input() + "` is of type " + type);
  }
  return {};
}

config_result<std::uint32_t> graph_planner::check_source(const Source& from, std::uint32_t at,
                                                         std::string_view part) const {
  auto refuse = [&](std::string why) { return unexpected{error(at, part, std::move(why))}; };
  switch (from.from_case()) {
    case Source::kLiteral:
      return none;
    case Source::kItem:
      if (at == graph_positions::whole || !task(at).has_for_each() || part == "for_each")
        return refuse("$item stands for an element of `for_each`, and there is none here");
      return none;
    case Source::kInput:
      if (!input(from.input())) {
        std::vector<std::string_view> all;
        for (const auto& i : graph_.inputs())
          all.push_back(i.name());
        return refuse("$inputs." + from.input() + " is not an input of this graph"
                      + did_you_mean(from.input(), all));
      }
      if (auto fine = check_path(from, at, part); !fine)
        return unexpected{std::move(fine).error()};
      return none;
    case Source::kTask: {
      auto on = ids_.find(from.task());
      if (on == none)
        return refuse("$tasks." + from.task() + " is not a task of this graph"
                      + guess_task(from.task()));
      if (on == at)
        return refuse(titled(at) + " needs its own result");
      return on;
    }
    case Source::FROM_NOT_SET:
      break;
  }
  return refuse("a field has a value: a literal, $inputs.NAME, $tasks.ID or $item");
}

config_result<void> graph_planner::check_path(const Source& from, std::uint32_t at,
                                              std::string_view part) const {
  if (from.path().empty())
    return {};
  const auto& type = input(from.input())->type();
  if (type == "list")
    return {};
  auto whole = "$inputs." + from.input();
  if (type != "folder")
    return bad(error(at, part,
                     whole + " is of type " + type + " and has no field `" + from.path(0) + "`"));
  constexpr std::string_view fields[] = {"documents", "skipped"};
  if (std::find(std::begin(fields), std::end(fields), from.path(0)) == std::end(fields))
    return bad(error(at, part,
                     whole + " is a folder: its fields are `documents` and `skipped`, not `"
                         + from.path(0) + "`" + did_you_mean(from.path(0), fields)));
  return {};
}

config_result<void> graph_planner::check_result() {
  if (!graph_.has_result())
    return {};
  auto on = check_source(graph_.result(), graph_positions::whole, "result");
  if (!on)
    return unexpected{std::move(on).error()};
  plan_.result_task = *on;
  return {};
}

config_result<graph_plan> plan_graph(const Graph& graph, const role_names* known,
                                     const graph_positions* positions) {
  return graph_planner{graph, known, positions}.run();
}

config_result<void> check_graph(const Graph& graph, const role_names* known,
                                const graph_positions* positions) {
  if (auto plan = plan_graph(graph, known, positions); !plan)
    return unexpected{std::move(plan).error()};
  return {};
}

bool is_input_type(std::string_view type) {
  constexpr std::string_view types[] = {"text", "integer", "number", "flag",
                                        "list", "folder",  "file"};
  return std::find(std::begin(types), std::end(types), type) != std::end(types);
}

} // namespace troupe
