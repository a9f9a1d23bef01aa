// Tasks of durable runs that a node cannot go on with: it has another version of their mind, or
// another role.

#include "actors/coordination/coordinator_logic.hpp"
#include "config/base/count_of.hpp"

#include <utility>

namespace troupe {

void coordinator_logic::on_refused_version(step_context& context, attempt& a,
                                           const TasksRefused& refused) {
  nodes_.answered(a.node, a.lane);
  if (refused.reason() == REFUSED_WITHOUT_ROLE) {
    a.run->roles.bring_along(a.run->state->role_of(a.task));
    return offers_.offer_again(context, a, std::nullopt);
  }
  offers_.offer_again(context, a, refused.failure().message());
}

/// `troupe runs retry` of a run that goes on: its tasks that wait for another version begin without
/// their steps. False: none waits, nor has any begun for this wish.
bool coordinator_logic::begin_waiting_anew(step_context& context, envelope& asked) {
  auto wanted = asked.body.as<RunRetry>();
  auto id = run_from_bytes(wanted->run());
  auto run = find_run(id);
  if (!run)
    return false;
  bool is_done = run->has_begun_anew_for(asked);
  if (!is_done && (run != runs_.find(id) || run->closing || run->waits_for_version() == 0))
    return false;
  auto unknown = run->unknown_steps;
  auto tasks = is_done ? 0 : offers_.begin_waiting_anew(context, *run, asked);
  counted_.plain().steps_unknown.fetch_add(run->unknown_steps - unknown, std::memory_order_relaxed);
  if (tasks > 0)
    context.out.log(log_level::info, "coordinator",
                    run->title() + ": " + count_of(tasks, "task")
                        + (tasks == 1 ? " begins" : " begin") + " again without steps, as "
                        + to_string(asked.sender) + " wants",
                    run->inside.trace);
  run->attach(asked, wanted->want_progress());
  RunAccepted accepted;
  accepted.set_run(to_bytes(run->id));
  accepted.set_durability(run->durability);
  accepted.set_known(true);
  if (run->root)
    accepted.set_span(run->root->span());
  journal_.send_when_kept(context, *run, reply_to(asked, std::move(accepted)));
  return true;
}

} // namespace troupe
