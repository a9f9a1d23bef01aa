#include "actors/coordination/coordinator_run.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/work.hpp"
#include "messages/runs.pb.h"

#include <algorithm>
#include <unordered_set>

/// What the queues of nodes hold for this owner: asked now and then, so that nothing waits for ever
/// for what was lost, and nothing is given up that only waits.
namespace troupe {

void coordinator_logic::watch_held(step_context& context) {
  if (!std::exchange(held_armed_, true))
    context.out.arm(timer_held, limits::held_interval);
}

void coordinator_logic::ask_queues(step_context& context) {
  std::vector<std::vector<attempt*>> there(nodes_.nodes());
  for (auto& a : attempts_)
    if (a.owner)
      there[a.node].push_back(&a);
  queues_.resize(nodes_.nodes());
  for (node_index node = 0; node < there.size(); ++node) {
    auto& queue = queues_[node];
    if (!nodes_.is_up(node) || (there[node].empty() && !nodes_.is_silent(node))) {
      queue.unanswered.reset();
      continue;
    }
    if (queue.unanswered && *queue.unanswered + limits::queue_silence_max <= context.now) {
      give_up_queue(context, node, there[node]);
      there[node].clear();
      queue.unanswered.reset();
    }
    ask_queue(context, node, there[node]);
    queue.round = round_;
    if (!queue.unanswered)
      queue.unanswered = context.now;
    watch_held(context);
  }
}

/// In questions of a bounded size; an empty one asks only whether anybody is there.
void coordinator_logic::ask_queue(step_context& context, node_index node,
                                  std::vector<attempt*>& there) {
  std::sort(there.begin(), there.end(),
            [](const attempt* a, const attempt* b) { return a->owner->id < b->owner->id; });
  for (std::size_t begin = 0; begin == 0 || begin < there.size();
       begin += limits::tasks_asked_max) {
    auto end = std::min(there.size(), begin + limits::tasks_asked_max);
    TasksAsked question;
    question.set_owner(to_bytes(self_.node));
    question.set_round(++round_);
    question.set_complete(there.size() <= limits::tasks_asked_max);
    const run* last = nullptr;
    for (auto at = begin; at < end; ++at) {
      auto& a = *there[at];
      if (std::exchange(last, a.owner) != a.owner)
        question.add_tasks()->set_run(to_bytes(a.owner->id));
      auto& group = *question.mutable_tasks()->rbegin();
      group.add_index(a.task);
      group.add_attempt(a.owner->state->attempt_of(a.task));
      a.asked = round_;
    }
    auto message = make_envelope(
        message_kind::event, address::of(service::queue, nodes_.id_of(node)), std::move(question));
    message.sender = self_;
    context.out.send(std::move(message));
  }
}

void coordinator_logic::give_up_queue(step_context& context, node_index node,
                                      const std::vector<attempt*>& there) {
  nodes_.set_silent(node, true);
  if (there.empty())
    return;
  failure why{ec::timed_out, "the node " + nodes_.name_of(node) + " did not answer in time"};
  context.out.log(log_level::warning, "coordinator",
                  why.message + ": " + std::to_string(there.size()) + " tasks are offered again");
  for (auto a : there) {
    call_off(context, *a);
    touch(context, *a->owner, a->task, node);
    record_attempt(context, *a, &why, 0);
    try_again(context, *a, why, a->started || nodes_.is_cheap(a->lane));
  }
}

void coordinator_logic::heard_of(node_index node) {
  if (node < queues_.size())
    queues_[node].unanswered.reset();
  nodes_.set_silent(node, false);
}

void coordinator_logic::begin_time(step_context& context, attempt& a) {
  if (std::exchange(a.started, true))
    return;
  a.deadline = context.now + a.time + limits::task_deadline_slack;
  a.owner->state->started(a.task);
  watch_deadline(context, a.deadline);
  touch(context, *a.owner, a.task, a.node);
}

void coordinator_logic::on_held(step_context& context, const TasksHeld& held, node_id from) {
  std::unordered_set<const attempt*> waiting, on_way;
  auto each = [&](const auto& groups, auto visit) {
    for (const TasksOfRun& group : groups)
      for (int i = 0; i < std::min(group.index_size(), group.attempt_size()); ++i)
        if (auto a = current(group.run(), group.index(i), group.attempt(i), from))
          visit(*a);
  };
  each(held.waiting(), [&](attempt& a) { waiting.insert(&a); });
  each(held.running(), [&](attempt& a) {
    waiting.insert(&a);
    begin_time(context, a);
  });
  each(held.reported(), [&](attempt& a) { on_way.insert(&a); });
  for (node_index node = 0; node < queues_.size(); ++node)
    if (queues_[node].round == held.round() && (!from || nodes_.id_of(node) == from))
      heard_of(node);
  for (auto& a : attempts_) {
    if (!a.owner || a.asked != held.round() || (from && nodes_.id_of(a.node) != from))
      continue;
    heard_of(a.node);
    if (waiting.contains(&a))
      a.missing.reset();
    else
      missed(context, a, on_way.contains(&a));
  }
}

void coordinator_logic::missed(step_context& context, attempt& a, bool on_way) {
  if (!a.missing)
    a.missing = context.now;
  auto patience = on_way ? std::chrono::nanoseconds{limits::result_lost_after}
                         : limits::offer_lost_after
                               + limits::offer_lost_after_per_mib * (a.bytes / limits::mib);
  if (*a.missing + patience > context.now)
    return;
  failure why{ec::unavailable,
              "the node " + nodes_.name_of(a.node) + " does not know the task any more"};
  context.out.log(log_level::warning, "coordinator",
                  why.message + ": " + a.owner->state->id_of(a.task) + " is offered again");
  call_off(context, a); // it may still be on its way there
  touch(context, *a.owner, a.task, a.node);
  record_attempt(context, a, &why, 0);
  try_again(context, a, std::move(why), a.started || nodes_.is_cheap(a.lane));
}

} // namespace troupe
