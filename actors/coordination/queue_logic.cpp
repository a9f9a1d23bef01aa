#include "actors/coordination/queue_logic.hpp"

#include "actors/agents/task_once.hpp"
#include "actors/cluster/member_view.hpp"
#include "actors/coordination/queue_tell.hpp"
#include "actors/coordination/task_span.hpp"
#include "actors/unread.hpp"
#include "config/base/invariants.hpp"
#include "config/limits/links.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/supervision.hpp"
#include "config/limits/units.hpp"
#include "messages/agents.pb.h"
#include "messages/model_usage.hpp"
#include "messages/runs.pb.h"
#include "messages/wire.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::chrono::nanoseconds queue_timer_grain = std::chrono::milliseconds{1};

void add(std::atomic<std::uint64_t>& count, std::uint64_t n = 1) {
  count.fetch_add(n, std::memory_order_relaxed);
}
void subtract(std::atomic<std::uint64_t>& count, std::uint64_t n = 1) {
  count.fetch_sub(n, std::memory_order_relaxed);
}

std::uint64_t microseconds(std::chrono::nanoseconds time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::microseconds>(time).count()));
}

} // namespace

queue_logic::queue_logic(const queue_options& options, const role_table& roles, metrics& counted)
    : options_(options), roles_(roles), counted_(counted.plain()),
      deadline_timer_(timer_deadline, queue_timer_grain) {}

void queue_logic::start(step_context& context, const address& self) {
  self_ = self;
  session_ = {context.random.next() | 1};
  context.out.send(ask_for_members(self_));
}

void queue_logic::step(step_context& context, event input) {
  on_event(context, input);
  check_invariants(*this);
}

void queue_logic::on_event(step_context& context, event& input) {
  if (auto fired = std::get_if<timer_fired>(&input)) {
    if (fired->timer == timer_owners)
      return on_owners_timer(context);
    deadline_timer_.fired();
    return on_deadline(context);
  }
  auto message = std::get_if<envelope>(&input);
  if (!message)
    return;
  if (message->kind == message_kind::reply)
    return on_reply(context, *message);
  if (message->body.as<TaskOffer>())
    return on_offer(context, *message);
  if (auto cancel = message->body.as<TaskCancel>())
    return on_cancel(context, *cancel, message->sender.node);
  if (auto asked = message->body.as<TasksAsked>())
    return on_asked(context, *message, *asked);
  if (auto members = message->body.as<MembersChanged>())
    return on_members(context, *members);
  if (message->body.as<SlotsQuery>() && message->kind == message_kind::request)
    return count_slots(context, *message);
  if (message->body.kind() == payload_kind::TaskOffer)
    return on_unreadable_offer(context, *message);
  not_taken(context, "the queue", *message);
}

/// This node cannot read the input of a task. Other nodes could not either, so the owner hears of a
/// failure at once.
void queue_logic::on_unreadable_offer(step_context& context, const envelope& message) {
  auto keys = message.body.salvage<TaskOfferKeys>();
  if (!keys)
    return not_taken(context, "the queue", message);
  context.out.unread.push_back(message.body.kind());
  auto done = failed(why_not_taken("the queue of node " + to_string(self_.node), message));
  for (const auto& key : keys->tasks()) {
    done.set_run(key.run());
    done.set_index(key.index());
    done.set_attempt(key.attempt());
    add(counted_.tasks_failed);
    tell(context, node_from_bytes(keys->owner()), message.tenant, done);
  }
}

void queue_logic::stop(step_context& context) {
  for (auto& [role, p] : pools_)
    while (!p.waiting.empty()) {
      auto task = p.waiting.pop();
      subtract(counted_.queue_length);
      TasksRefused refused;
      set_key(*refused.add_tasks(), task.key);
      *refused.mutable_failure() = to_proto({ec::unavailable, "the node is stopping"});
      tell(context, task.owner, task.tenant, std::move(refused));
    }
  // The queue that is started next finds its slots free.
  for (auto& [sequence, task] : running_)
    if (task.now == running_task::phase::working) {
      report(context, task, failed({ec::unavailable, "the node is stopping"}));
      tell_agent_to_give_up(context, sequence, task);
    }
  for (auto& [sequence, task] : running_)
    if (task.span)
      end_span(context, *task.span, task.why, task.owner_lost);
  running_.clear();
  known_.clear();
}

slot_pool* queue_logic::pool_of(const std::string& role) {
  if (auto found = pools_.find(role); found != pools_.end())
    return &found->second;
  auto known = roles_.find(role);
  if (known == roles_.end() || !known->second->info.for_tasks())
    return nullptr;
  slot_pool made{known->second, role, options_.pool_size};
  return &pools_.emplace(role, std::move(made)).first->second;
}

void queue_logic::count_slots(step_context& context, const envelope& query) const {
  SlotsCounted counted;
  for (const auto& [role, p] : pools_)
    if (auto busy = p.busy(); busy > 0) {
      auto added = counted.add_roles();
      added->set_role(role);
      added->set_count(static_cast<std::uint32_t>(busy));
    }
  context.out.send(reply_to(query, std::move(counted)));
}

void queue_logic::on_offer(step_context& context, envelope& message) {
  auto& offer = *message.body.as<TaskOffer>();
  auto owner = owner_of(message, offer.owner());
  heard_of(context, owner);
  TasksRefused refused;
  for (auto& task : *offer.mutable_tasks()) {
    task_key key{run_from_bytes(task.run()), task.index(), task.attempt()};
    auto p = pool_of(task.role());
    if (!p) {
      auto done =
          failed({ec::unknown_role, "this node does no tasks for the role `" + task.role() + "`"});
      set_key(done, key);
      if (auto span = begin_task_span(task, options_.node_name, owner != self_.node))
        end_span(context, *span, from_proto(done.failure()), false);
      add(counted_.tasks_failed);
      tell(context, owner, message.tenant, std::move(done));
      continue;
    }
    if (known_.contains(key) || refuse_other_version(context, task, key, owner, message.tenant))
      continue;
    if (!p->has_free() && p->waiting.size() >= options_.tasks_max
        && !make_room(context, *p, owner)) {
      set_key(*refused.add_tasks(), key);
      note(context, key, "is refused: the queue is full");
      continue;
    }
    known_.emplace(key, 0);
    add(counted_.queue_length);
    waiting_task next{&task, {}, key, owner, message.tenant, context.now};
    if (p->waiting.empty() && p->has_free()) {
      begin_task(context, *p, next);
    } else {
      next.kept = std::make_unique<Task>(std::move(task));
      next.task = next.kept.get();
      note(context, key, "waits for a slot");
      p->waiting.push(std::move(next));
    }
  }
  if (refused.tasks_size() > 0) {
    *refused.mutable_failure() = to_proto({ec::overloaded, "the node's queue is full"});
    tell(context, owner, message.tenant, std::move(refused));
  }
}

/// An owner that has more tasks here than `owner` gives up its youngest. False: there is none.
bool queue_logic::make_room(step_context& context, slot_pool& p, node_id owner) {
  auto given_up = p.waiting.give_up_youngest(p.waiting.size_of(owner) + 1);
  if (!given_up)
    return false;
  known_.erase(given_up->key);
  note(context, given_up->key, "is given up: others want their share of the queue");
  subtract(counted_.queue_length);
  TasksRefused refused;
  set_key(*refused.add_tasks(), given_up->key);
  *refused.mutable_failure() =
      to_proto({ec::overloaded, "the node's queue is full, and others want their share of it"});
  tell(context, given_up->owner, given_up->tenant, std::move(refused));
  return true;
}

void queue_logic::begin_tasks(step_context& context, slot_pool& p) {
  while (p.has_free() && !p.waiting.empty()) {
    auto next = p.waiting.pop();
    begin_task(context, p, next);
  }
}

void queue_logic::begin_task(step_context& context, slot_pool& p, waiting_task& next) {
  subtract(counted_.queue_length);
  add(counted_.tasks_running);
  auto limit = next.task->time_ms() > 0 ? std::chrono::milliseconds{next.task->time_ms()}
                                        : p.what().time_max;
  auto slot = p.take();
  auto sequence = ++sequence_;
  auto deadline = context.now + limit;
  auto span = begin_task_span(*next.task, options_.node_name, next.owner != self_.node);
  if (span)
    task_started(*span, next.since, context.now);
  running_.emplace(sequence, running_task{next.key,
                                          next.owner,
                                          next.tenant,
                                          &p,
                                          slot,
                                          next.since,
                                          context.now,
                                          deadline,
                                          running_task::phase::working,
                                          std::move(span),
                                          {},
                                          false,
                                          false});
  known_[next.key] = sequence;
  note(context, next.key, "is begun");
  deadline_timer_.fire_at(context, deadline);
  if (!p.what().cheap) {
    TaskStarted started;
    set_key(started, next.key);
    tell(context, next.owner, next.tenant, std::move(started));
  }
  envelope work;
  work.kind = message_kind::request;
  work.id = {session_, sequence};
  work.trace = {{next.task->trace_hi(), next.task->trace_lo()},
                {next.task->span()},
                static_cast<std::uint8_t>(next.task->trace_flags())};
  work.remaining = limit;
  work.tenant = std::move(next.tenant);
  work.sender = self_;
  work.target = address::of_agent(p.agent_of(slot), self_.node);
  work.body = payload::of(TaskWork{});
  auto& todo = *work.body.as<TaskWork>();
  todo.mutable_task()->Swap(next.task);
  if (todo.task().durable()) // the slot tells the owner of its steps
    todo.set_owner(to_bytes(next.owner));
  context.out.send(std::move(work));
}

void queue_logic::report(step_context& context, running_task& task, TaskDone done) {
  auto bytes = task.owner == self_.node ? 0 : done.ByteSizeLong();
  if (bytes > limits::content_bytes_max) {
    auto used = usage_in(done);
    done = failed({ec::too_large, "the task's result is " + std::to_string(bytes)
                                      + " bytes, more than a message may have"});
    set_usage(done, used);
  } else if (bytes >= stream_payload_bytes) { // smaller messages may overtake it
    if (on_way_.size() >= limits::results_on_way_kept_max)
      on_way_.pop();
    on_way_.push({task.key, context.now});
  }
  set_key(done, task.key);
  done.set_queue_wait_us(microseconds(task.started - task.queued));
  done.set_duration_us(microseconds(context.now - task.started));
  if (done.has_failure())
    task.why = from_proto(done.failure());
  add(done.has_failure() ? counted_.tasks_failed : counted_.tasks_done);
  subtract(counted_.tasks_running);
  known_.erase(task.key);
  note(context, task.key, done.has_failure() ? "has failed" : "is done");
  tell(context, task.owner, task.tenant, std::move(done));
}

void queue_logic::on_reply(step_context& context, envelope& reply) {
  auto found = reply.id.session == session_ ? running_.find(reply.id.sequence) : running_.end();
  if (found == running_.end())
    return; // its slot was given back before
  if (found->second.now == running_task::phase::working) {
    TaskDone done;
    if (auto answer = reply.body.as<AgentReply>()) {
      done.set_output(result_of(*answer));
      set_usage(done, usage_in(*answer));
      done.mutable_notes()->Swap(answer->mutable_notes());
    } else {
      auto why = failure_in(reply);
      done = failed(why ? *std::move(why)
                        : failure{ec::bad_message, "the agent's answer could not be read"});
      if (auto wire = reply.body.as<Failure>())
        set_usage(done, usage_in(*wire));
    }
    report(context, found->second, std::move(done));
  }
  give_back_slot(context, found);
}

void queue_logic::on_deadline(step_context& context) {
  std::vector<std::uint64_t> over;
  std::optional<instant> next;
  for (auto& [sequence, task] : running_)
    if (task.deadline <= context.now)
      over.push_back(sequence);
    else
      next = std::min(next.value_or(task.deadline), task.deadline);
  if (next)
    deadline_timer_.fire_at(context, *next);
  std::sort(over.begin(), over.end());
  for (auto sequence : over) {
    auto found = running_.find(sequence);
    auto& task = found->second;
    switch (task.now) {
      case running_task::phase::working: {
        auto limit =
            std::chrono::duration_cast<std::chrono::milliseconds>(task.deadline - task.started);
        report(context, task,
               failed({ec::timed_out,
                       "the task took longer than its " + std::to_string(limit.count()) + " ms"}));
        tell_agent_to_give_up(context, sequence, task);
        break;
      }
      case running_task::phase::called_off:
        replace_agent(context, found);
        break;
      case running_task::phase::
          replacing: // the slot's next agent may be missing: then its task fails and is tried again
        give_back_slot(context, found);
        break;
    }
  }
}

bool queue_logic::invariants() const {
  std::size_t working = 0, waiting = 0;
  std::map<const slot_pool*, std::size_t> in_use;
  for (const auto& [sequence, task] : running_) {
    ++in_use[task.pool];
    if (task.now != running_task::phase::working)
      continue;
    ++working;
    auto known = known_.find(task.key);
    if (known == known_.end() || known->second != sequence)
      return false;
  }
  for (const auto& [role, p] : pools_) {
    if (!p.invariants(in_use[&p]))
      return false;
    waiting += p.waiting.size();
  }
  return known_.size() == waiting + working;
}

} // namespace troupe
