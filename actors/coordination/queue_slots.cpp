// The slots of a queue: what they cannot do, when one is free again, and what is done about a
// silent agent.

#include "actors/coordination/queue_tell.hpp"
#include "actors/coordination/task_span.hpp"
#include "config/limits/links.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/supervision.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"

namespace troupe {

bool queue_logic::refuse_other_version(step_context& context, const Task& task, const task_key& key,
                                       node_id owner, const name& tenant) {
  if (!task.durable())
    return false;
  auto gap = version_gap_of(task, roles_.at(task.role()), recorded_roles_, options_.node_name);
  if (!gap)
    return false;
  note(context, key, "is refused: it needs " + gap->needed);
  TasksRefused refused;
  set_key(*refused.add_tasks(), key);
  refused.set_reason(gap->reason);
  *refused.mutable_failure() = to_proto({ec::unavailable, std::move(gap->needed)});
  tell(context, owner, tenant, std::move(refused));
  return true;
}

void queue_logic::end_span(step_context& context, SpanData& span, const failure& why,
                           bool owner_lost) {
  if (owner_lost)
    set_task_lost(span, why);
  else
    set_task_outcome(span, why);
  context.end(std::move(span));
}

void queue_logic::give_back_slot(step_context& context, running_tasks::iterator task) {
  if (task->second.run_over) {
    auto done = failed(task->second.why);
    set_key(done, task->second.key);
    tell(context, task->second.owner, task->second.tenant, std::move(done));
  }
  if (auto& span = task->second.span)
    end_span(context, *span, task->second.why, task->second.owner_lost);
  auto& p = *task->second.pool;
  note(context, task->second.key, "has given its slot back");
  p.give_back(task->second.slot, task->second.now == running_task::phase::replacing);
  running_.erase(task);
  begin_tasks(context, p);
}

/// No owner waits for the task any more. Its slot is free when its agent has answered.
void queue_logic::tell_agent_to_give_up(step_context& context, std::uint64_t sequence,
                                        running_task& task) {
  auto agent = address::of_agent(task.pool->agent_of(task.slot), self_.node);
  context.out.send(make_cancel({session_, sequence}, self_, std::move(agent)));
  note(context, task.key, "is given up: its agent is told");
  task.now = running_task::phase::called_off;
  task.deadline = context.now + limits::cancel_patience;
  deadline_timer_.fire_at(context, task.deadline);
}

/// From now on the slot waits for the answer of service::roles, not for that of the agent.
void queue_logic::replace_agent(step_context& context, running_tasks::iterator task) {
  auto node = running_.extract(task);
  auto& replaced = node.mapped();
  node.key() = ++sequence_;
  const auto& agent = replaced.pool->agent_of(replaced.slot);
  context.out.log(log_level::warning, "queue",
                  "agent " + std::string{agent.text()}
                      + " does not give up its task: it is replaced by a new one");
  AgentStop order;
  order.set_agent(std::string{agent.text()});
  auto request = make_envelope(message_kind::request, address::of(service::roles, self_.node),
                               std::move(order));
  request.id = {session_, sequence_};
  request.sender = self_;
  request.remaining = limits::stop_timeout;
  context.out.send(std::move(request));
  replaced.now = running_task::phase::replacing;
  replaced.deadline = context.now + limits::stop_timeout;
  deadline_timer_.fire_at(context, replaced.deadline);
  running_.insert(std::move(node));
}

} // namespace troupe
