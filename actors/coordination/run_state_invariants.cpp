#include "actors/coordination/run_state.hpp"

#include <vector>

/// What always holds of a run's state.
namespace troupe {

bool run_state::invariants() const {
  task_counts seen;
  std::vector<std::uint32_t> open(steps_.size());
  for (const auto& task : tasks_) {
    const auto& step = steps_[task.step];
    bool has_failed = task.now == status::failed || task.now == status::not_run;
    if (step.now == phase::folded || (step.is_given_up() && task.begun)
        || has_failed != (task.why != nullptr))
      return false;
    if (step.now != phase::unfolding)
      ++count_in(seen, task.now);
    open[task.step] += task.now < status::done ? 1u : 0u;
  }
  for (std::uint32_t at = 0; at < steps_.size(); ++at) {
    const auto& step = steps_[at];
    bool is_closed = step.now == phase::done || step.now == phase::failed;
    if (step.is_given_up() != (step.why_not != nullptr) || (is_closed && step.open > 0))
      return false;
    if (step.has_tasks() && step.open < open[at]) // an end counts when it is worked off
      return false;
    if (!step.has_tasks()) // it counts as one task
      ++(step.now == phase::not_run ? seen.failed : seen.waiting);
  }
  return seen.waiting == counts_.waiting && seen.queued == counts_.queued
         && seen.running == counts_.running && seen.done == counts_.done
         && seen.failed == counts_.failed;
}

} // namespace troupe
