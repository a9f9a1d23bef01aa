#include "actors/coordination/task_span.hpp"

#include "telemetry/span.hpp"

#include <charconv>

namespace troupe {

namespace {

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>{time}.count();
}

instant at(std::int64_t ns) { return instant{std::chrono::nanoseconds{ns}}; }

} // namespace

std::string_view step_of_task(std::string_view id) { return id.substr(0, id.find('[')); }

std::unique_ptr<SpanData> begin_task_span(const Task& task, std::string_view node, bool remote) {
  trace_context parent{{task.trace_hi(), task.trace_lo()},
                       {task.run_span()},
                       static_cast<std::uint8_t>(task.trace_flags())};
  if (!parent.sampled() || !parent.span)
    return nullptr;
  if (remote)
    parent.flags |= trace_context::flag_remote;
  auto step = step_of_task(task.id());
  auto ready = at(task.ready_ns() != 0 ? task.ready_ns() : task.offered_ns());
  auto span =
      std::make_unique<SpanData>(begin_span(span_names::task, step, parent, {task.span()}, ready));
  set(*span, attr::run_id, to_string(run_from_bytes(task.run())));
  set(*span, attr::task_id, task.id());
  set(*span, attr::task_label, task.label().empty() ? task.id() : task.label());
  if (step.size() < task.id().size()) {
    std::int64_t index = 0;
    auto digits = std::string_view{task.id()}.substr(step.size() + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), index);
    set(*span, attr::task_index, index);
  }
  set(*span, attr::task_attempt, task.attempt());
  set(*span, attr::task_node, node);
  set(*span, attr::agent_name, task.role());
  if (task.previous_span() != 0)
    add_link(*span, {task.previous_span()}, "previous_attempt");
  add(*span, event_at(happening::ready, ready));
  auto offered = event_at(happening::offered, at(task.offered_ns()));
  set(offered, attr::task_node, node);
  add(*span, std::move(offered));
  return span;
}

void task_started(SpanData& span, instant now) {
  add(span, event_at(happening::started, now));
  set(span, attr::task_wait, milliseconds(now - at(span.start_ns())));
}

void task_started(SpanData& span, instant queued, instant now) {
  task_started(span, now);
  set(span, attr::queue_wait, milliseconds(now - queued));
}

void set_task_outcome(SpanData& span, const failure& why) {
  if (why.code == ec::none)
    return set(span, attr::task_outcome, "done");
  if (why.code == ec::cancelled)
    return set(span, attr::task_outcome, "cancelled");
  set(span, attr::task_outcome, "failed");
  set_failed(span, why);
}

void set_task_lost(SpanData& span, const failure& why) {
  set(span, attr::task_outcome, "lost");
  set_failed(span, why);
}

} // namespace troupe
