#include "actors/coordination/coordinator_run.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "messages/spans.pb.h"

#include "telemetry/span.hpp"

#include <algorithm>

/// What is told of runs: which there are, progress, ends, spans.
namespace troupe {

void coordinator_logic::tell(step_context& context, const run& r, payload news) const {
  envelope message;
  message.id = r.request;
  message.trace = r.inside;
  message.tenant = r.tenant;
  message.sender = self_;
  message.target = r.submitter;
  message.body = std::move(news);
  context.out.send(std::move(message));
}

void coordinator_logic::touch(step_context& context, run& r, std::uint32_t task, node_index node) {
  if (!r.want_progress)
    return;
  r.last_task = task;
  r.last_node = node;
  if (std::exchange(r.dirty, true))
    return;
  dirty_.push_back(r.id);
  if (!std::exchange(progress_armed_, true))
    context.out.arm(timer_progress, limits::run_progress_interval);
}

void coordinator_logic::send_progress(step_context& context, run& r) {
  r.dirty = false;
  const auto& count = r.state->count();
  RunProgress progress;
  progress.set_run(to_bytes(r.id));
  progress.set_waiting(count.waiting);
  progress.set_running(count.running);
  progress.set_queued(count.queued);
  progress.set_done(count.done);
  progress.set_failed(count.failed);
  progress.set_total(count.total());
  if (r.last_task != none)
    progress.set_last(r.state->id_of(r.last_task));
  if (r.last_node != none)
    progress.set_node(to_bytes(nodes_.id_of(r.last_node)));
  tell(context, r, payload::of(std::move(progress)));
}

void coordinator_logic::on_query(step_context& context, const envelope& request) const {
  std::vector<const run*> oldest;
  for (const auto& [id, r] : runs_)
    oldest.push_back(r.get());
  auto shown = std::min(oldest.size(), limits::status_runs_max);
  std::partial_sort(oldest.begin(), oldest.begin() + static_cast<std::ptrdiff_t>(shown),
                    oldest.end(), [](auto a, auto b) { return a->began < b->began; });
  RunsListed listed;
  listed.set_total(static_cast<std::uint32_t>(oldest.size()));
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& count = oldest[i]->state->count();
    auto& one = *listed.add_runs();
    one.set_run(to_bytes(oldest[i]->id));
    one.set_graph(oldest[i]->state->graph().name());
    one.set_done(count.done);
    one.set_failed(count.failed);
    one.set_total(count.total());
  }
  context.out.send(reply_to(request, std::move(listed)));
}

void coordinator_logic::end_ended(step_context& context) {
  for (auto r : ended_)
    end_run(context, *r, r->over ? &*r->over : nullptr, nullptr);
  ended_.clear();
}

void coordinator_logic::end_run(step_context& context, run& r, const failure* cut_short,
                                const envelope* canceller) {
  if (cut_short)
    forget_tasks(context, r, *cut_short);
  if (r.want_progress)
    send_progress(context, r);
  auto found = runs_.find(r.id);
  auto done = std::make_unique<ending>();
  done->ended = std::move(found->second);
  blobs_.ended(context, self_, found->first);
  runs_.erase(found);
  if (cut_short)
    done->cut_short = *cut_short;
  if (canceller)
    done->canceller = head_of(*canceller);
  done->whole.set_run(to_bytes(r.id));
  done->whole.set_duration_us(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(context.now - r.began).count()));
  done->result_known = cut_short || !r.state->graph().has_result();
  r.state->report_whole(done->whole, cut_short);
  endings_.push_back(std::move(done));
}

/// Calls off what nodes still do for the run, and takes it out of every list.
void coordinator_logic::forget_tasks(step_context& context, run& r, const failure& why) {
  for (auto& place : r.places)
    if (place.attempt != none) {
      record_attempt(context, attempts_[place.attempt], &why, 0);
      release(attempts_[place.attempt]);
    }
  for (auto& queue : lanes_) {
    queue.runs.remove_if([&r](const ready_run& other) { return other.owner == &r; });
    std::erase_if(queue.retries, [&r](const retry& again) { return again.owner == &r; });
  }
  std::erase_if(later_, [&r](const auto& again) { return again.second.owner == &r; });
  std::erase(working_, &r);
  for (node_index node = 0; node < nodes_.nodes(); ++node)
    if ((r.touched >> node & 1) != 0 && nodes_.state_of(node) != MEMBER_DOWN)
      send_cancel(context, r.id, node);
}

void coordinator_logic::send_cancel(step_context& context, run_id id, node_index node) const {
  TaskCancel cancel;
  cancel.set_run(to_bytes(id));
  auto order = make_envelope(message_kind::event, address::of(service::queue, nodes_.id_of(node)),
                             std::move(cancel));
  order.sender = self_;
  context.out.send(std::move(order));
}

/// This one attempt: another takes its place.
void coordinator_logic::call_off(step_context& context, const attempt& a) const {
  TaskCancel cancel;
  cancel.set_run(to_bytes(a.owner->id));
  auto& one = *cancel.add_tasks();
  one.set_index(a.task);
  one.set_attempt(a.owner->state->attempt_of(a.task));
  auto order = make_envelope(message_kind::event, address::of(service::queue, nodes_.id_of(a.node)),
                             std::move(cancel));
  order.sender = self_;
  context.out.send(std::move(order));
}

// -- spans ------------------------------------------------------------------------------------

void coordinator_logic::begin_root_span(step_context& context, run& r,
                                        const trace_context& from) const {
  r.inside = from;
  if (!from.sampled() || !from.trace)
    return;
  r.root = std::make_unique<SpanData>(begin_span("invoke_workflow " + r.state->graph().name(),
                                                 span_kind::internal, from, context.next_span(),
                                                 context.now));
  set(*r.root, "gen_ai.operation.name", "invoke_workflow");
  set(*r.root, "gen_ai.provider.name", "troupe");
  set(*r.root, "gen_ai.workflow.name", r.state->graph().name());
  set(*r.root, "troupe.run.id", to_string(r.id));
  r.inside = context_of(*r.root, from);
}

void coordinator_logic::record_attempt(step_context& context, const attempt& a, const failure* why,
                                       std::uint64_t queue_wait_us) const {
  const auto& r = *a.owner;
  if (!r.root)
    return;
  auto id = r.state->id_of(a.task);
  auto span = begin_span("task " + id, span_kind::internal, r.inside, a.span, a.offered);
  set(span, "troupe.task.id", id);
  set(span, "troupe.task.label", r.state->label_of(a.task));
  set(span, "troupe.task.attempt", static_cast<std::int64_t>(r.state->attempt_of(a.task)));
  auto node = nodes_.name_of(a.node);
  set(span, "troupe.task.node", node.empty() ? to_string(nodes_.id_of(a.node)) : node);
  set(span, "troupe.queue_wait_ms", static_cast<double>(queue_wait_us) / 1000.0);
  if (why)
    set_failed(span, *why);
  span.set_end_ns(context.now.time_since_epoch().count());
  context.out.spans.push_back(std::move(span));
}

} // namespace troupe
