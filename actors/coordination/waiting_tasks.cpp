#include "actors/coordination/waiting_tasks.hpp"

#include <algorithm>
#include <cassert>

namespace troupe {

std::string to_string(const task_key& key) {
  return "task " + std::to_string(key.index) + " (attempt " + std::to_string(key.attempt)
         + ") of run " + to_string(key.run);
}

std::size_t waiting_tasks::size_of(node_id owner) const {
  auto found = owners_.find(owner);
  return found == owners_.end() ? 0 : found->second.size;
}

void waiting_tasks::push(waiting_task task) {
  auto& mine = owners_[task.owner];
  if (mine.size++ == 0)
    turns_.push(task.owner);
  auto& queue = mine.runs[task.key.run];
  if (queue.empty())
    mine.turns.push(task.key.run);
  queue.push(std::move(task));
  ++size_;
}

waiting_task waiting_tasks::pop() {
  assert(size_ > 0);
  auto owner = owners_.find(turns_.pop());
  auto& mine = owner->second;
  auto run = mine.runs.find(mine.turns.pop());
  auto task = run->second.pop();
  if (run->second.empty())
    mine.runs.erase(run);
  else
    mine.turns.push(run->first);
  if (--mine.size == 0)
    owners_.erase(owner);
  else
    turns_.push(owner->first);
  --size_;
  return task;
}

std::optional<waiting_task> waiting_tasks::give_up_youngest(std::size_t than) {
  auto most = std::max_element(owners_.begin(), owners_.end(), [](const auto& a, const auto& b) {
    return a.second.size < b.second.size;
  });
  if (most == owners_.end() || most->second.size <= std::max<std::size_t>(than, 1))
    return std::nullopt;
  auto& mine = most->second;
  auto run = std::max_element(mine.runs.begin(), mine.runs.end(), [](const auto& a, const auto& b) {
    return a.second.back().since < b.second.back().since;
  });
  auto task = run->second.pop_back();
  --mine.size; // one or more are left
  --size_;
  if (run->second.empty()) {
    mine.turns.remove_if([&](const run_id& turn) { return turn == run->first; });
    mine.runs.erase(run);
  }
  return task;
}

} // namespace troupe
