#include "actors/coordination/run_spans.hpp"

#include "actors/coordination/task_span.hpp"
#include "config/limits/telemetry.hpp"
#include "telemetry/span.hpp"

#include <memory>
#include <utility>

namespace troupe {

namespace {

std::int64_t nanoseconds(instant at) { return at.time_since_epoch().count(); }

/// The label of a task is its id where nobody gave another.
Task describe(const active_run& run, const attempt& a) {
  Task task;
  task.set_run(to_bytes(run.id));
  task.set_id(run.state->id_of(a.task));
  task.set_label(run.state->label_of(a.task));
  task.set_role(run.state->step_of(a.task).role());
  task.set_attempt(a.number());
  set_trace(task, run, a);
  return task;
}

void set_if_any(SpanData& span, const attribute_word& key, std::uint64_t count) {
  if (count > 0)
    set(span, key, count);
}

} // namespace

void begin_run_span(step_context& context, active_run& run, const trace_context& from) {
  restore_run_span(run, from, from.sampled() ? context.next_span() : span_id{});
}

void restore_run_span(active_run& run, const trace_context& from, span_id span) {
  run.inside = from;
  if (!from.sampled() || !from.trace)
    return;
  run.root = std::make_unique<SpanData>(
      begin_span(span_names::workflow, run.state->graph().name(), from, span, run.began));
  set(*run.root, attr::operation, "invoke_workflow");
  set(*run.root, attr::workflow, run.state->graph().name());
  set(*run.root, attr::run_id, to_string(run.id));
  run.inside = context_of(*run.root, from);
}

void end_run_span(step_context& context, active_run& run, const failure* why) {
  if (!run.root)
    return;
  auto& root = *run.root;
  const auto& count = run.state->count();
  auto not_begun = run.state->not_run() + count.waiting + count.queued; // the latter if cut short
  set(root, attr::tasks, count.total());
  set_if_any(root, attr::tasks_failed, count.failed - run.state->not_run());
  set_if_any(root, attr::tasks_not_run, not_begun);
  set_if_any(root, attr::tasks_retried, run.retried);
  if (run.used.any())
    set_usage(root, run.used);
  if (!run.cancel_reason.empty())
    set(root, attr::cancel_reason, run.cancel_reason);
  run.state->visit_not_run(limits::span_events_max,
                           [&](const std::string& id, const failure& because) {
                             auto happened = event_at(happening::not_run, context.now);
                             set(happened, attr::task_id, id);
                             set(happened, attr::error_type, to_string(because.code));
                             set(happened, attr::log_message, because.message);
                             add(root, std::move(happened));
                           });
  if (why)
    set_failed(root, *why);
  auto whole = std::move(root);
  run.root.reset(); // also if the host throws: half a span is none
  context.end(std::move(whole));
}

void set_trace(Task& task, const active_run& run, const attempt& a) {
  task.set_offered_ns(nanoseconds(a.offered));
  task.set_trace_hi(run.inside.trace.hi);
  task.set_trace_lo(run.inside.trace.lo);
  task.set_trace_flags(run.inside.flags);
  task.set_span(run.root ? a.span.value : run.inside.span.value);
  if (!run.root)
    return;
  task.set_run_span(run.inside.span.value);
  task.set_ready_ns(nanoseconds(a.ready));
  task.set_previous_span(run.tried[a.task].last.value);
}

void write_lost_attempt(step_context& context, const placement& nodes, const attempt& a,
                        const failure& why) {
  auto& run = *a.run;
  if (!run.root)
    return;
  auto task = describe(run, a);
  task.set_span(context.next_span().value);
  const auto& name = nodes.name_of(a.node);
  auto span = begin_task_span(task, name.empty() ? to_string(nodes.id_of(a.node)) : name, false);
  if (!span)
    return;
  if (a.now == attempt::phase::started)
    task_started(*span, a.began);
  set_task_lost(*span, why);
  run.tried[a.task].last = {span->span()};
  context.end(std::move(*span));
}

void note_retry(active_run& run, std::uint32_t task, const failure& why,
                std::chrono::milliseconds delay, std::string_view from_node, instant now) {
  ++run.retried;
  if (!run.root)
    return;
  auto happened = event_at(happening::retry, now);
  set(happened, attr::task_id, run.state->id_of(task));
  set(happened, attr::retry_reason, to_string(why.code));
  set(happened, attr::retry_delay, delay.count());
  set(happened, attr::retry_from, from_node);
  add(*run.root, std::move(happened));
}

} // namespace troupe
