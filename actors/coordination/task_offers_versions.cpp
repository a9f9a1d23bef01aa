// Tasks that some nodes cannot go on with, because they have another version of their mind or role.

#include "actors/coordination/task_offers.hpp"

#include <string>
#include <utility>
#include <vector>

namespace troupe {

std::uint64_t task_offers::refusers_of(const retry& again) {
  auto found = again.run->versions.find(again.task);
  return found == again.run->versions.end() ? 0 : found->second.refused_by;
}

/// The node has not begun with it: that costs no attempt.
void task_offers::offer_again(step_context& context, attempt& a,
                              std::optional<std::string> needed) {
  auto& run = *a.run;
  retry again{&run, a.task, a.lane, placement::none, a.ready};
  if (needed) {
    auto& seen = run.versions[a.task];
    seen.refused_by |= active_run::bit(a.node);
    seen.needed = *std::move(needed);
  }
  progress_.note(context, run, a.task, a.node);
  run.state->set_time(a.ready); // it has been so all the time
  attempts_.release(context, a, "was refused: the node has another version");
  run.state->hold_back(again.task, false);
  lanes_[again.lane].retries.push_back(again);
}

/// No node that is up can go on with it.
void task_offers::wait_for_version(step_context& context, const retry& again) {
  auto& run = *again.run;
  bool is_first = run.waits_for_version() == 0;
  auto& one = run.versions[again.task];
  one.waits = true;
  progress_.note(context, run, again.task, placement::none);
  auto text =
      "task " + run.state->id_of(again.task) + " of " + run.title() + " waits for " + one.needed;
  if (is_first)
    context.out.log(log_level::warning, "coordinator",
                    text + "; `troupe runs retry " + to_string(run.id)
                        + "` lets it begin again without its steps",
                    run.inside.trace);
  else
    context.out.debug(
        "coordinator", [&] { return std::move(text); }, run.inside.trace);
}

void task_offers::members_changed(step_context& context, const placement::node_changes& changed) {
  std::uint64_t anew = 0;
  for (const auto* nodes : {&changed.lost, &changed.returned})
    for (auto node : *nodes)
      anew |= active_run::bit(node);
  runs_.visit([&](active_run& run) {
    for (auto& [task, one] : run.versions) {
      one.refused_by &= ~anew;
      auto lane = run.lanes[run.state->role_of(task)];
      if (!one.waits || run.closing || !nodes_.hosted(lane, placement::none, one.refused_by))
        continue;
      one.waits = false;
      lanes_[lane].retries.push_back({&run, task, lane, placement::none, context.now});
    }
  });
}

std::size_t task_offers::begin_waiting_anew(step_context& context, active_run& run,
                                            const envelope& wish) {
  std::vector<std::uint32_t> tasks;
  for (const auto& [task, one] : run.versions)
    if (one.waits)
      tasks.push_back(task);
  if (tasks.empty())
    return 0;
  fold_.steps_set_aside(run, tasks, wish);
  for (auto task : tasks) {
    auto lane = run.lanes[run.state->role_of(task)];
    lanes_[lane].retries.push_back({&run, task, lane, placement::none, context.now});
  }
  return tasks.size();
}

} // namespace troupe
