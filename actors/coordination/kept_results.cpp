#include "actors/coordination/kept_results.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace troupe {

namespace {

std::string size_of(std::size_t bytes) { return std::to_string(bytes) + " bytes"; }

} // namespace

void kept_results::watch(active_run& run, std::uint32_t task) {
  auto now = run.state->kept_bytes() + run.steps_bytes;
  bytes_ += now;
  bytes_ -= std::exchange(run.kept, now);
  auto* most = &run;
  std::string why;
  if (run.kept > most_.of_run) {
    why = "the results of this run are " + size_of(run.kept) + " with `" + run.state->id_of(task)
          + "`, more than the " + size_of(most_.of_run) + " that one run may keep";
  } else if (bytes_ > most_.of_all) {
    runs_.visit([&most](active_run& other) {
      if (other.kept > most->kept && !other.over)
        most = &other;
    });
    why = "the results of all runs of this node are " + size_of(bytes_) + ", more than the "
          + size_of(most_.of_all) + " that it may keep, and this run has most of them, "
          + size_of(most->kept);
    if (most == &run)
      why += " with `" + run.state->id_of(task) + "`";
  }
  if (!why.empty())
    runs_.end_early(*most, {ec::too_large, why + ": let its tasks return less, or blobs"});
}

result<void> kept_results::check_steps(const active_run& run, std::uint32_t task,
                                       const StepsMade& made) const {
  auto found = run.steps.find(task);
  std::size_t of_task = found == run.steps.end() ? 0 : found->second.bytes;
  auto is_kept = [&](const StepRecord& step) { // and is told again
    auto at = std::size_t{step.number()} - 1;
    return found != run.steps.end() && at < found->second.steps.size()
           && found->second.steps[at].kind() != 0;
  };
  std::size_t more = 0;
  for (const auto& step : made.steps())
    if (!is_kept(step))
      more += limits::step_weight + step.outcome().size();
  if (of_task + more > limits::task_steps_bytes_max)
    return fail(ec::too_large, "the steps of the task are " + size_of(of_task + more)
                                   + ", more than the " + size_of(limits::task_steps_bytes_max)
                                   + " that one task may have");
  if (bytes_ + more > most_.of_all)
    return fail(ec::overloaded, "the results and steps of all runs of this node are "
                                    + size_of(bytes_) + ", and with these more than the "
                                    + size_of(most_.of_all) + " that it may keep");
  return {};
}

void kept_results::forget(std::unique_ptr<active_run> told) {
  told_.push_back({std::move(told->state), told->kept});
}

bool kept_results::forget_some() {
  auto left = limits::forgotten_per_step_max;
  while (!told_.empty() && left > 0) {
    auto& [state, bytes] = told_.front();
    auto tasks = std::min(left, state->size());
    left -= tasks;
    if (state->forget_tasks(tasks))
      break;
    bytes_ -= bytes;
    given_back_ += bytes;
    told_.pop_front();
  }
  if (!told_.empty())
    return true;
  if (given_back_ < limits::results_bytes_to_give_back)
    return false;
  given_back_ = 0;
  if (give_back_memory_)
    give_back_memory_();
  return false;
}

} // namespace troupe
