// The part of queue_logic that serves owners: what it holds for them, what it calls off.

#include "actors/coordination/queue_logic.hpp"
#include "actors/coordination/task_span.hpp"
#include "config/limits/runs.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"

#include <unordered_set>
#include <utility>

namespace troupe {

namespace {

failure superseded() {
  return {ec::cancelled, "the owner of the run does not wait for this attempt any more"};
}

} // namespace

queue_logic::calling_off queue_logic::lost_owner(const std::string& called) {
  return {{ec::unavailable, "the node " + called + ", which owns the run, is lost"}, true, false};
}

template <class Predicate>
void queue_logic::call_off(step_context& context, node_id owner, run_id run, const calling_off& how,
                           Predicate gone) {
  for (auto& [role, p] : pools_) {
    auto removed = p.waiting.remove_if(owner, run, [&](const waiting_task& task) {
      if (!gone(task.key))
        return false;
      if (auto span = begin_task_span(*task.task, options_.node_name, task.owner != self_.node))
        end_span(context, *span, how.why, how.owner_lost);
      known_.erase(task.key);
      note(context, task.key, "is called off");
      return true;
    });
    counted_.queue_length.fetch_sub(removed, std::memory_order_relaxed);
  }
  for (auto& [sequence, task] : running_) {
    if (task.now != running_task::phase::working || (owner && task.owner != owner)
        || (run && task.key.run != run) || !gone(task.key))
      continue;
    task.why = how.why;
    task.owner_lost = how.owner_lost;
    task.run_over = how.run_over;
    known_.erase(task.key);
    counted_.tasks_running.fetch_sub(1, std::memory_order_relaxed);
    tell_agent_to_give_up(context, sequence, task);
  }
}

node_id queue_logic::owner_of(const envelope& message, std::string_view claimed) {
  return message.sender.node ? message.sender.node : node_from_bytes(claimed);
}

void queue_logic::on_cancel(step_context& context, const TaskCancel& cancel, node_id from) {
  auto run = run_from_bytes(cancel.run());
  if (!run)
    return;
  if (cancel.tasks().empty())
    return call_off(context, from, run, {{ec::cancelled, "the run was cancelled"}, false, true},
                    [](const task_key&) { return true; });
  std::unordered_set<task_key, task_key_hash> named;
  for (const auto& one : cancel.tasks())
    if (task_key key{run, one.index(), one.attempt()}; known_.contains(key))
      named.insert(key);
  if (!named.empty())
    call_off(context, from, run, {superseded(), false, false},
             [&named](const task_key& key) { return named.contains(key); });
}

void queue_logic::on_asked(step_context& context, const envelope& message,
                           const TasksAsked& asked) {
  auto owner = owner_of(message, asked.owner());
  heard_of(context, owner);
  while (!on_way_.empty() && on_way_.front().since + limits::result_lost_after <= context.now)
    on_way_.pop();
  std::unordered_set<task_key, task_key_hash> on_way, named;
  on_way_.visit([&](const result_on_way& one) { on_way.insert(one.key); });
  TasksHeld held;
  held.set_round(asked.round());
  for (const auto& of_run : asked.tasks()) {
    auto run = run_from_bytes(of_run.run());
    TasksOfRun *waiting = nullptr, *running = nullptr, *reported = nullptr;
    auto add = [&](TasksOfRun*& to, auto add_group, const task_key& key) {
      if (!to) {
        to = add_group();
        to->set_run(of_run.run());
      }
      to->add_index(key.index);
      to->add_attempt(key.attempt);
    };
    for (int i = 0; i < std::min(of_run.index_size(), of_run.attempt_size()); ++i) {
      task_key key{run, of_run.index(i), of_run.attempt(i)};
      named.insert(key);
      if (auto found = known_.find(key); found == known_.end()) {
        if (on_way.contains(key))
          add(
              reported, [&] { return held.add_reported(); }, key);
      } else if (found->second == 0) {
        add(
            waiting, [&] { return held.add_waiting(); }, key);
      } else {
        add(
            running, [&] { return held.add_running(); }, key);
      }
    }
  }
  auto answer =
      make_envelope(message_kind::event, address::of(service::coordinator, owner), std::move(held));
  answer.sender = self_;
  answer.tenant = message.tenant;
  context.out.send(std::move(answer));
  // Offers of an owner come before the message that asks for them: it has given up what is not
  // named.
  if (asked.complete())
    call_off(context, owner, {}, {superseded(), false, false},
             [&named](const task_key& key) { return !named.contains(key); });
}

void queue_logic::on_members(step_context& context, const MembersChanged& members) {
  for (const auto& member : members.members()) {
    auto id = node_from_bytes(member.info().id());
    if (id == self_.node)
      continue;
    member_record now{member.state() == MEMBER_UP, member.info().incarnation()};
    auto before = std::exchange(members_[id], now);
    // An owner without a link cannot hear of results, and offers its tasks to others.
    if (before.up && (!now.up || before.incarnation != now.incarnation))
      call_off(context, id, {}, lost_owner(member.info().name()),
               [](const task_key&) { return true; });
  }
}

void queue_logic::heard_of(step_context& context, node_id owner) {
  owners_[owner].heard = context.now;
  if (!std::exchange(owners_watched_, true))
    context.out.arm(timer_owners, limits::owner_silence_max);
}

/// An owner asks while it has tasks here. If it is silent, it has none or has forgotten them.
void queue_logic::on_owners_timer(step_context& context) {
  std::optional<instant> next;
  for (auto one = owners_.begin(); one != owners_.end();) {
    auto due = one->second.heard + limits::owner_silence_max;
    if (due > context.now) {
      next = std::min(next.value_or(due), due);
      ++one;
      continue;
    }
    call_off(context, one->first, {}, lost_owner(to_string(one->first)),
             [](const task_key&) { return true; });
    one = owners_.erase(one);
  }
  owners_watched_ = next.has_value();
  if (next)
    context.out.arm(timer_owners, *next - context.now);
}

} // namespace troupe
