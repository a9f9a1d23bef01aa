// What the coordinator hears of queues and nodes, and what becomes of the tasks of a lost one.

#include "actors/coordination/coordinator_logic.hpp"
#include "config/base/count_of.hpp"

namespace troupe {

namespace {

std::string tasks_are(std::size_t count) {
  return count_of(count, "task") + (count == 1 ? " is" : " are");
}

} // namespace

void coordinator_logic::ask_queues(step_context& context) {
  for (const auto& silent : queues_.find_silent(context.now)) {
    if (silent.attempts.empty())
      continue;
    failure why{ec::timed_out,
                "the node " + nodes_.name_of(silent.node) + " did not answer in time"};
    context.out.log(log_level::warning, "coordinator",
                    why.message + ": " + tasks_are(silent.attempts.size()) + " offered again");
    for (auto a : silent.attempts) {
      if (a->now == attempt::phase::free)
        continue;
      attempts_.call_off(context, self_, *a);
      give_up(context, *a, why, attempts_.may_have_begun(*a));
    }
  }
  queues_.ask(context);
}

void coordinator_logic::on_held(step_context& context, const TasksHeld& held, node_id from) {
  auto found = queues_.on_held(held, from, context.now);
  for (auto a : found.started)
    begin_time(context, *a);
  for (auto a : found.lost) {
    if (a->now == attempt::phase::free)
      continue;
    failure why{ec::unavailable,
                "the node " + nodes_.name_of(a->node) + " does not know the task any more"};
    context.out.log(log_level::warning, "coordinator",
                    why.message + ": " + a->run->state->id_of(a->task) + " is offered again");
    attempts_.call_off(context, self_, *a); // it may still be on its way there
    give_up(context, *a, why, attempts_.may_have_begun(*a));
  }
}

void coordinator_logic::on_members(step_context& context, const MembersChanged& members) {
  auto changed = nodes_.update(members);
  for (auto node : changed.lost)
    lose_tasks_of(context, node);
  for (auto node : changed.returned)
    runs_.visit([&](active_run& run) {
      if ((run.stale & active_run::bit(node)) == 0)
        return;
      run.stale &= ~active_run::bit(node); // its slots shall not finish what others do by now
      attempts_.call_off(context, self_, run.id, node);
    });
  offers_.members_changed(context, changed);
}

void coordinator_logic::lose_tasks_of(step_context& context, node_index node) {
  queues_.heard_of(node); // whatever it did not answer does not count any more
  failure why{ec::unavailable, "the node " + nodes_.name_of(node) + " is "
                                   + std::string{to_string(nodes_.state_of(node))}};
  if (nodes_.is_up(node))
    why.message = "the node " + nodes_.name_of(node) + " was started anew";
  std::size_t tasks = 0;
  attempts_.visit([&](attempt& a) {
    if (a.node != node)
      return;
    ++tasks;
    a.run->stale |= active_run::bit(node);
    give_up(context, a, why, attempts_.may_have_begun(a));
  });
  if (tasks > 0)
    context.out.log(log_level::warning, "coordinator",
                    why.message + ": " + tasks_are(tasks) + " offered again");
}

} // namespace troupe
