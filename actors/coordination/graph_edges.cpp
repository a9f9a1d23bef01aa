#include "actors/coordination/graph_planner.hpp"

#include <algorithm>

/// Which step waits for which, and whether there is a cycle.
namespace troupe {

config_result<void> graph_planner::draw_edges() {
  for (std::uint32_t at = 0; at < size(); ++at)
    for (auto i = needed_begin_[at]; i < needed_begin_[at + 1]; ++i)
      ++plan_.steps[needed_[i].on].edges_end;
  std::uint32_t begin = 0;
  for (auto& step : plan_.steps) {
    step.edges_begin = begin;
    begin += step.edges_end;
    step.edges_end = step.edges_begin;
  }
  plan_.edges.resize(begin);
  std::pmr::vector<std::uint32_t> open(size(), 0, &memory_);
  for (bool each : {true, false}) {
    for (std::uint32_t at = 0; at < size(); ++at)
      for (auto i = needed_begin_[at]; i < needed_begin_[at + 1]; ++i)
        if (needed_[i].each == each) {
          plan_.edges[plan_.steps[needed_[i].on].edges_end++] = at;
          plan_.steps[at].needs += each ? 0u : 1u;
          ++open[at];
        }
    if (each)
      for (auto& step : plan_.steps)
        step.each_end = step.edges_end;
  }
  // Kahn: remove the tasks that need nothing, until there are none, or only cycles.
  std::pmr::vector<std::uint32_t> free(&memory_);
  free.reserve(size());
  for (std::uint32_t at = 0; at < size(); ++at)
    if (open[at] == 0)
      free.push_back(at);
  for (std::size_t next = 0; next < free.size(); ++next) {
    const auto& step = plan_.steps[free[next]];
    for (auto e = step.edges_begin; e < step.edges_end; ++e)
      if (--open[plan_.edges[e]] == 0)
        free.push_back(plan_.edges[e]);
  }
  return free.size() == size() ? config_result<void>{} : refuse_cycle(open);
}

config_result<void> graph_planner::refuse_cycle(std::span<const std::uint32_t> open) const {
  auto at = static_cast<std::uint32_t>(
      std::find_if(open.begin(), open.end(), [](auto n) { return n > 0; }) - open.begin());
  std::vector<std::uint32_t> path;
  std::vector<bool> seen(size());
  while (!seen[at]) { // an open task needs another open task
    seen[at] = true;
    path.push_back(at);
    auto i = needed_begin_[at];
    while (open[needed_[i].on] == 0)
      ++i;
    at = needed_[i].on;
  }
  path.erase(path.begin(), std::find(path.begin(), path.end(), at));
  std::rotate(path.begin(), std::min_element(path.begin(), path.end()), path.end());
  std::string members;
  for (auto member : path)
    members += task(member).id() + " -> ";
  members += task(path.front()).id();
  return bad(error(path.front(), "id", "these tasks need each other in a circle: " + members));
}

} // namespace troupe
