// How a run ends that was cancelled. Its nodes hear of it at once; its end is told when the agents
// at work on it have given up: what a run began does not go on after its end.

#include "actors/coordination/coordinator_logic.hpp"
#include "config/limits/runs.hpp"

#include <utility>
#include <vector>

namespace troupe {

void coordinator_logic::on_cancel(step_context& context, envelope& request) {
  auto id = run_from_bytes(request.body.as<RunCancel>()->run());
  bool wants_reply = request.kind == message_kind::request;
  auto run = find_run(id);
  if (run && waits_for_begin(context, *run, request))
    return;
  if (run && wants_reply)
    add_canceller(context, *run, request);
  if (run && runs_.find(id)) {
    auto reason = request.body.as<RunCancel>()->reason();
    run->cancel_reason = cancel_word(reason);
    if (!run->closing)
      fold_.cancel_asked(*run, reason);
    return close_run(context, *run, why_cancelled(reason));
  }
  if (run)
    return; // it has ended, and that is about to be told
  if (auto known = unreadable_.find(id); known && wants_reply)
    return context.out.send(reply_failure(request, from_proto(known->failure())));
  if (wants_reply)
    context.out.send(
        reply_failure(request, {ec::not_found, "this node has no run " + to_string(id)
                                                   + ": it has ended, or another node owns it"}));
}

/// It hears of the run's end.
void coordinator_logic::add_canceller(step_context& context, active_run& run,
                                      const envelope& request) {
  std::erase_if(run.cancellers, [&](const envelope& other) { // it is repeated
    return other.id == request.id && other.sender.session == request.sender.session;
  });
  if (run.cancellers.size() < limits::run_listeners_max)
    run.cancellers.push_back(head_of(request));
  else
    context.out.send(reply_failure(
        request, {ec::overloaded, "the run is being cancelled, and too many wait for its end"}));
}

void coordinator_logic::close_run(step_context& context, active_run& run, failure why) {
  if (run.closing)
    return;
  offers_.remove(run);
  attempts_.call_off_everywhere(context, self_, run);
  attempts_.visit_of(run, [&](attempt& a) {
    if (a.now != attempt::phase::started || !nodes_.is_up(a.node))
      attempts_.release(context, a, "is given up with its run");
  });
  run.closing = std::move(why);
  run.closes_by = context.now + limits::run_close_patience;
  context.out.arm(timer_closing, limits::run_close_patience);
  end_if_closed(context, run);
}

void coordinator_logic::end_if_closed(step_context& context, active_run& run) {
  bool at_work = false;
  attempts_.visit_of(run, [&](const attempt&) { at_work = true; });
  if (at_work && context.now < run.closes_by)
    return;
  auto why = *run.closing;
  end_run(context, run, &why);
}

void coordinator_logic::on_closing(step_context& context) {
  std::vector<active_run*> closing;
  std::optional<instant> next;
  runs_.visit([&](active_run& run) {
    if (!run.closing)
      return;
    if (run.closes_by <= context.now)
      closing.push_back(&run);
    else
      next = std::min(next.value_or(run.closes_by), run.closes_by);
  });
  for (auto run : closing)
    end_if_closed(context, *run);
  if (next)
    context.out.arm(timer_closing, *next - context.now);
}

} // namespace troupe
