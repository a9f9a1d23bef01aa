#include "actors/coordination/run_progress.hpp"

#include "config/limits/work.hpp"
#include "messages/runs.pb.h"

#include <utility>

namespace troupe {

void run_progress::note(step_context& context, active_run& run, std::uint32_t task,
                        placement::node_index node) {
  if (!run.wants_progress())
    return;
  run.last_task = task;
  run.last_node = node;
  if (std::exchange(run.has_news, true))
    return;
  with_news_.push_back(run.id);
  if (!std::exchange(armed_, true))
    context.out.arm(timer_, limits::run_progress_interval);
}

void run_progress::send_all(step_context& context, const run_table& runs) {
  armed_ = false;
  for (auto id : std::exchange(with_news_, {}))
    if (auto run = runs.find(id))
      send(context, *run);
}

void run_progress::send(step_context& context, active_run& run) const {
  if (!run.wants_progress())
    return;
  run.has_news = false;
  const auto& count = run.state->count();
  RunProgress progress;
  progress.set_run(to_bytes(run.id));
  progress.set_waiting(count.waiting);
  progress.set_running(count.running);
  progress.set_queued(count.queued);
  progress.set_done(count.done);
  progress.set_failed(count.failed);
  progress.set_total(count.total());
  if (run.last_task != active_run::none)
    progress.set_last(run.state->id_of(run.last_task));
  if (run.last_node != placement::none)
    progress.set_node(to_bytes(nodes_.id_of(run.last_node)));
  for (const auto& [task, one] : run.versions)
    if (one.waits) {
      progress.set_waits_for_version(progress.waits_for_version() + 1);
      progress.set_waits_for(one.needed);
    }
  for (auto& news : run.news(self_, payload::of(std::move(progress)), true))
    context.out.send(std::move(news));
}

} // namespace troupe
