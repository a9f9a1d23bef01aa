// Tasks that are done here instead of being offered.

#include "actors/coordination/task_offers.hpp"
#include "config/limits/runs.hpp"

#include <utility>

namespace troupe {

bool task_offers::is_done_here(const active_run& run, lane_index lane, node_index node,
                               instant now) {
  return node == 0 && !run.root && run.roles.are_own()
         && inline_.takes(lane, nodes_.role_of(lane), now) && nodes_.outstanding(0, lane) == 0;
}

void task_offers::do_here(step_context& context, active_run& run, std::uint32_t task,
                          const taken_task& taken) {
  did_some_ = true;
  auto filled = run.state->fill_task(task, done_here_);
  spend(done_here_, done_here_.shared_input().size());
  if (!filled) {
    done_here_.Clear();
    return fail_task(context, run, task, std::move(filled).error(), {});
  }
  auto& a = attempts_.offer(context, run, task, {taken.node, taken.lane, time_of(run, task), 0});
  a.ready = taken.ready;
  attempts_.start(context, a);
  progress_.note(context, run, task, taken.node);
  auto [made, usage] = inline_.work_on(context, taken.lane, done_here_);
  if (done_here_.shared_input().size() > limits::inline_reply_kept_max)
    done_here_ = Task{};
  else
    done_here_.Clear();
  usage.node = nodes_.id_of(taken.node);
  if (!made)
    return attempt_failed(context, a, std::move(made).error(), usage);
  attempt_succeeded(context, a, std::move(made->output), made->levels, usage);
}

} // namespace troupe
