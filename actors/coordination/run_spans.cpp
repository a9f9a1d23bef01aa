#include "actors/coordination/run_spans.hpp"

#include "telemetry/span.hpp"

#include <memory>
#include <utility>

namespace troupe {

void begin_run_span(step_context& context, active_run& run, const trace_context& from) {
  run.inside = from;
  if (!from.sampled() || !from.trace)
    return;
  run.root = std::make_unique<SpanData>(begin_span("invoke_workflow " + run.state->graph().name(),
                                                   span_kind::internal, from, context.next_span(),
                                                   context.now));
  set(*run.root, "gen_ai.operation.name", "invoke_workflow");
  set(*run.root, "gen_ai.provider.name", "troupe");
  set(*run.root, "gen_ai.workflow.name", run.state->graph().name());
  set(*run.root, "troupe.run.id", to_string(run.id));
  run.inside = context_of(*run.root, from);
}

void end_run_span(step_context& context, active_run& run, const failure* why) {
  if (!run.root)
    return;
  set(*run.root, "troupe.tasks", static_cast<std::int64_t>(run.state->count().total()));
  if (why)
    set_failed(*run.root, *why);
  run.root->set_end_ns(context.now.time_since_epoch().count());
  context.out.spans.push_back(std::move(*run.root));
}

void end_attempt_span(step_context& context, const placement& nodes, const attempt& a,
                      const failure* why, std::uint64_t queue_wait_us) {
  const auto& run = *a.run;
  if (!run.root)
    return;
  auto id = run.state->id_of(a.task);
  auto span = begin_span("task " + id, span_kind::internal, run.inside, a.span, a.offered);
  set(span, "troupe.task.id", id);
  set(span, "troupe.task.label", run.state->label_of(a.task));
  set(span, "troupe.task.attempt", static_cast<std::int64_t>(a.number()));
  auto node = nodes.name_of(a.node);
  set(span, "troupe.task.node", node.empty() ? to_string(nodes.id_of(a.node)) : node);
  set(span, "troupe.queue_wait_ms", static_cast<double>(queue_wait_us) / 1000.0);
  if (why)
    set_failed(span, *why);
  span.set_end_ns(context.now.time_since_epoch().count());
  context.out.spans.push_back(std::move(span));
}

} // namespace troupe
