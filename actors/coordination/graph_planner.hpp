#pragma once

#include "actors/coordination/graph_plan.hpp"
#include "config/suggest.hpp"
#include "messages/runs.pb.h"

#include <array>
#include <cstddef>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// How a graph is checked and planned. Private to graph_plan.cpp and graph_edges.cpp.
namespace troupe {

/// Finds a task by its id. Most graphs are small: then comparing beats hashing.
class graph_task_ids {
public:
  explicit graph_task_ids(const Graph& graph) : graph_(graph) {
    if (graph.tasks_size() > linear_max)
      table_.reserve(static_cast<std::size_t>(graph.tasks_size()));
  }
  /// False if the id is taken.
  bool add(std::uint32_t index) {
    const auto& id = graph_.tasks(static_cast<int>(index)).id();
    if (graph_.tasks_size() > linear_max)
      return table_.emplace(id, index).second;
    return find(id, index) == none;
  }
  std::uint32_t find(std::string_view id) const {
    if (graph_.tasks_size() <= linear_max)
      return find(id, static_cast<std::uint32_t>(graph_.tasks_size()));
    auto found = table_.find(id);
    return found == table_.end() ? none : found->second;
  }

private:
  static constexpr auto none = graph_plan::none;
  static constexpr int linear_max = 8;
  std::uint32_t find(std::string_view id, std::uint32_t end) const {
    for (std::uint32_t i = 0; i < end; ++i)
      if (graph_.tasks(static_cast<int>(i)).id() == id)
        return i;
    return none;
  }

  const Graph& graph_;
  std::unordered_map<std::string_view, std::uint32_t> table_;
};

/// Checks a graph stage by stage, and plans it on the way. For one use.
class graph_planner {
public:
  graph_planner(const Graph& graph, const role_names* known, const graph_positions* positions)
      : graph_(graph), known_(known), positions_(positions), ids_(graph) {}

  config_result<graph_plan> run() {
    for (auto stage :
         {&graph_planner::check_head, &graph_planner::check_inputs, &graph_planner::check_tasks,
          &graph_planner::link_tasks, &graph_planner::check_result, &graph_planner::draw_edges})
      if (auto done = (this->*stage)(); !done)
        return unexpected{std::move(done).error()};
    return std::move(plan_);
  }

private:
  static constexpr auto none = graph_plan::none;
  struct dependency {
    std::uint32_t on;
    bool each;
  };

  std::uint32_t size() const { return static_cast<std::uint32_t>(graph_.tasks_size()); }
  const GraphTask& task(std::uint32_t i) const { return graph_.tasks(static_cast<int>(i)); }

  static config_result<void> bad(config_error e) { return unexpected{std::move(e)}; }
  config_error error(std::uint32_t at, std::string_view part, std::string message) const {
    config_error e{graph_.file(), 0, 0, std::move(message)};
    if (at != graph_positions::whole && at < size())
      e.line = static_cast<int>(task(at).line());
    if (positions_) {
      auto found = positions_->at.find({at, std::string{part}});
      if (found == positions_->at.end())
        found = positions_->at.find({at, "id"});
      if (found != positions_->at.end()) {
        e.line = found->second.line;
        e.column = found->second.column;
      }
    }
    return e;
  }
  std::string titled(std::uint32_t at) const { return "task `" + task(at).id() + "`"; }

  std::string guess_task(std::string_view id) const {
    std::vector<std::string_view> all;
    for (const auto& t : graph_.tasks())
      all.push_back(t.id());
    return did_you_mean(id, all);
  }
  const GraphInput* input(std::string_view wanted) const {
    for (const auto& i : graph_.inputs())
      if (i.name() == wanted)
        return &i;
    return nullptr;
  }

  config_result<void> check_head();
  config_result<void> check_inputs();
  config_result<void> check_tasks();
  config_result<void> check_numbers(std::uint32_t at) const;
  config_result<std::uint32_t> role_index(std::uint32_t at);
  config_result<void> link_tasks();
  config_result<void> link_task(std::uint32_t at);
  config_result<void> check_for_each(std::uint32_t at);
  config_result<std::uint32_t> check_source(const Source& from, std::uint32_t at,
                                            std::string_view part) const;
  config_result<void> check_path(const Source& from, std::uint32_t at, std::string_view part) const;
  config_result<void> check_result();
  config_result<void> draw_edges();
  config_result<void> refuse_cycle(std::span<const std::uint32_t> open) const;
  void need(std::uint32_t at, std::uint32_t on, bool each);

  const Graph& graph_;
  const role_names* known_;
  const graph_positions* positions_;
  graph_task_ids ids_;
  graph_plan plan_;
  // What only planning needs is in one block of memory, for graphs of the usual size.
  std::array<std::byte, 1'024> block_;
  std::pmr::monotonic_buffer_resource memory_{block_.data(), block_.size()};
  std::pmr::vector<dependency> needed_{&memory_};          ///< of all tasks, in their order
  std::pmr::vector<std::uint32_t> needed_begin_{&memory_}; ///< where a task's begin
  std::pmr::vector<std::uint32_t> last_need_{&memory_};    ///< of a task: its last index in needed_
};

} // namespace troupe
