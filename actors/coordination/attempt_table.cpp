#include "actors/coordination/attempt_table.hpp"

#include "config/limits/work.hpp"
#include "messages/runs.pb.h"

#include <algorithm>
#include <cassert>
#include <map>

namespace troupe {

attempt& attempt_table::offer(step_context& context, active_run& run, std::uint32_t task,
                              const terms& on) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(attempts_.size()));
    attempts_.emplace_back();
  }
  auto at = free_.back();
  free_.pop_back();
  auto& a = attempts_[at];
  a = {};
  a.now = attempt::phase::offered;
  a.run = &run;
  a.task = task;
  a.node = on.node;
  a.lane = on.lane;
  a.time = on.time;
  a.bytes = on.bytes;
  a.offered = context.now;
  run.tries_of(task).attempt = at;
  if (run.touched == 0)
    context.out.debug(
        "coordinator", [&run] { return run.title() + " has started"; }, run.inside.trace);
  run.touched |= active_run::bit(on.node);
  run.state->offered(task);
  nodes_.take(on.node, on.lane, on.bytes);
  note(context, a, "is offered");
  return a;
}

attempt* attempt_table::find(active_run* run, std::uint32_t task, std::uint32_t number,
                             node_id from) {
  if (!run || task >= run->tried.size())
    return nullptr;
  auto at = run->tried[task].attempt;
  if (at == active_run::none || run->state->attempt_of(task) != number)
    return nullptr;
  // Only the node to which it was offered may say what became of it.
  if (from && from != nodes_.id_of(attempts_[at].node))
    return nullptr;
  return &attempts_[at];
}

bool attempt_table::start(step_context& context, attempt& a) {
  if (a.now == attempt::phase::started)
    return false;
  a.now = attempt::phase::started;
  a.began = context.now;
  a.deadline = context.now + a.time + limits::task_deadline_slack;
  a.run->state->started(a.task);
  note(context, a, "has started");
  return true;
}

void attempt_table::release(step_context& context, attempt& a, std::string_view how) {
  assert(a.now != attempt::phase::free);
  note(context, a, how);
  a.run->tried[a.task].attempt = active_run::none;
  nodes_.give_back(a.node, a.lane, a.bytes);
  a = {};
  free_.push_back(static_cast<std::uint32_t>(&a - attempts_.data()));
}

attempt_table::overdue attempt_table::find_overdue(instant now) {
  overdue found;
  for (auto& a : attempts_) {
    if (a.now != attempt::phase::started)
      continue;
    if (a.deadline <= now)
      found.attempts.push_back(&a);
    else
      found.next = std::min(found.next.value_or(a.deadline), a.deadline);
  }
  return found;
}

void attempt_table::tell_work(const active_run& run, RunEnded& into) const {
  std::map<std::string, const attempt*> at_work;
  for (const auto& tries : run.tried)
    if (tries.attempt != active_run::none
        && attempts_[tries.attempt].now == attempt::phase::started)
      at_work.emplace(run.state->id_of(attempts_[tries.attempt].task), &attempts_[tries.attempt]);
  for (auto& task : *into.mutable_tasks())
    if (auto found = at_work.find(task.task()); found != at_work.end()) {
      task.set_attempts(run.state->tries_of(found->second->task));
      task.set_node(to_bytes(nodes_.id_of(found->second->node)));
    }
}

std::string attempt_table::describe(const attempt& a) const {
  const auto& node = nodes_.name_of(a.node);
  return "task " + a.run->state->id_of(a.task) + " (attempt " + std::to_string(a.number()) + ") of "
         + a.run->title() + " on " + (node.empty() ? to_string(nodes_.id_of(a.node)) : node);
}

void attempt_table::note(step_context& context, const attempt& a, std::string_view what) const {
  context.out.debug(
      "coordinator", [&] { return describe(a) + " " + std::string{what}; }, a.run->inside.trace);
}

// -- calling off --------------------------------------------------------------------------------

void attempt_table::call_off(step_context& context, const address& owner, const attempt& a) const {
  TaskCancel cancel;
  cancel.set_run(to_bytes(a.run->id));
  auto& one = *cancel.add_tasks();
  one.set_index(a.task);
  one.set_attempt(a.number());
  auto order = make_envelope(message_kind::event, address::of(service::queue, nodes_.id_of(a.node)),
                             std::move(cancel));
  order.sender = owner;
  context.out.send(std::move(order));
  note(context, a, "is called off");
}

void attempt_table::call_off(step_context& context, const address& owner, run_id run,
                             placement::node_index node) const {
  TaskCancel cancel;
  cancel.set_run(to_bytes(run));
  auto order = make_envelope(message_kind::event, address::of(service::queue, nodes_.id_of(node)),
                             std::move(cancel));
  order.sender = owner;
  context.out.send(std::move(order));
  context.out.debug("coordinator", [&] {
    return "run " + to_string(run) + " is called off on " + nodes_.name_of(node);
  });
}

void attempt_table::call_off_everywhere(step_context& context, const address& owner,
                                        const active_run& run) const {
  for (placement::node_index node = 0; node < nodes_.nodes(); ++node)
    if ((run.touched & active_run::bit(node)) != 0 && nodes_.state_of(node) != MEMBER_DOWN)
      call_off(context, owner, run.id, node);
}

bool attempt_table::invariants() const {
  std::vector<std::uint32_t> outstanding(nodes_.nodes());
  std::vector<bool> named_free(attempts_.size());
  for (auto at : free_) {
    if (named_free[at])
      return false; // it would be used twice
    named_free[at] = true;
  }
  for (std::uint32_t at = 0; at < attempts_.size(); ++at) {
    const auto& a = attempts_[at];
    bool is_free = a.now == attempt::phase::free;
    if (is_free != (a.run == nullptr) || is_free != named_free[at])
      return false;
    if (is_free)
      continue;
    ++outstanding[a.node];
    bool started = a.now == attempt::phase::started;
    auto task = started ? run_state::status::running : run_state::status::queued;
    if (a.run->tried[a.task].attempt != at || (a.run->touched & active_run::bit(a.node)) == 0
        || a.run->state->status_of(a.task) != task || started != (a.deadline != instant{}))
      return false; // run, task and attempt disagree
  }
  for (placement::node_index node = 0; node < outstanding.size(); ++node)
    if (nodes_.outstanding(node) != outstanding[node])
      return false;
  return true;
}

} // namespace troupe
