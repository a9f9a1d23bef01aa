#include "actors/coordination/queue_watch.hpp"

#include "config/limits/runs.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace troupe {

void queue_watch::arm(step_context& context) {
  if (!std::exchange(armed_, true))
    context.out.arm(timer_, limits::held_interval);
}

queue_watch::by_node queue_watch::sort_by_node() {
  by_node there(nodes_.nodes());
  attempts_.visit([&there](attempt& a) { there[a.node].push_back(&a); });
  queues_.resize(nodes_.nodes());
  return there;
}

bool queue_watch::is_asked(placement::node_index node, const std::vector<attempt*>& there) const {
  return nodes_.is_up(node) && (!there.empty() || nodes_.is_silent(node));
}

std::vector<queue_watch::silent_queue> queue_watch::find_silent(instant now) {
  std::vector<silent_queue> found;
  auto there = sort_by_node();
  for (placement::node_index node = 0; node < there.size(); ++node) {
    auto& queue = queues_[node];
    if (!is_asked(node, there[node]) || !queue.unanswered
        || *queue.unanswered + limits::queue_silence_max > now)
      continue;
    nodes_.set_silent(node, true);
    queue.unanswered.reset();
    found.push_back({node, std::move(there[node])});
  }
  return found;
}

void queue_watch::ask(step_context& context) {
  auto there = sort_by_node();
  for (placement::node_index node = 0; node < there.size(); ++node) {
    auto& queue = queues_[node];
    if (!is_asked(node, there[node])) {
      queue.unanswered.reset();
      continue;
    }
    ask_queue(context, node, there[node]);
    queue.round = round_;
    if (!queue.unanswered)
      queue.unanswered = context.now;
    arm(context);
  }
}

/// Sends messages of a bounded size. An empty one only asks whether the queue is there.
void queue_watch::ask_queue(step_context& context, placement::node_index node,
                            std::vector<attempt*>& there) {
  std::sort(there.begin(), there.end(),
            [](const attempt* a, const attempt* b) { return a->run->id < b->run->id; });
  for (std::size_t begin = 0; begin == 0 || begin < there.size();
       begin += limits::tasks_asked_max) {
    auto end = std::min(there.size(), begin + limits::tasks_asked_max);
    TasksAsked asked;
    asked.set_owner(to_bytes(self_.node));
    asked.set_round(++round_);
    asked.set_complete(there.size() <= limits::tasks_asked_max);
    const active_run* last = nullptr;
    for (auto at = begin; at < end; ++at) {
      auto& a = *there[at];
      if (std::exchange(last, a.run) != a.run)
        asked.add_tasks()->set_run(to_bytes(a.run->id));
      auto& group = *asked.mutable_tasks()->rbegin();
      group.add_index(a.task);
      group.add_attempt(a.number());
      a.asked = round_;
    }
    auto message = make_envelope(message_kind::event,
                                 address::of(service::queue, nodes_.id_of(node)), std::move(asked));
    message.sender = self_;
    context.out.send(std::move(message));
  }
}

void queue_watch::heard_of(placement::node_index node) {
  if (node < queues_.size())
    queues_[node].unanswered.reset();
  nodes_.set_silent(node, false);
}

queue_watch::findings queue_watch::on_held(const TasksHeld& held, node_id from, instant now) {
  findings found;
  std::unordered_set<const attempt*> known, on_way;
  auto each = [&](const auto& groups, auto visit) {
    for (const TasksOfRun& group : groups)
      for (int i = 0; i < std::min(group.index_size(), group.attempt_size()); ++i)
        if (auto a = attempts_.find(runs_.find(run_from_bytes(group.run())), group.index(i),
                                    group.attempt(i), from))
          visit(*a);
  };
  each(held.waiting(), [&](attempt& a) { known.insert(&a); });
  each(held.running(), [&](attempt& a) {
    known.insert(&a);
    found.started.push_back(&a);
  });
  each(held.reported(), [&](attempt& a) { on_way.insert(&a); });
  for (placement::node_index node = 0; node < queues_.size(); ++node)
    if (queues_[node].round == held.round() && (!from || nodes_.id_of(node) == from))
      heard_of(node);
  attempts_.visit([&](attempt& a) {
    if (a.asked != held.round() || (from && nodes_.id_of(a.node) != from))
      return;
    heard_of(a.node);
    if (known.contains(&a))
      a.missing.reset();
    else if (is_lost(a, on_way.contains(&a), now))
      found.lost.push_back(&a);
  });
  return found;
}

/// The queue does not know the attempt: the offer, or a large result, may still be on its way.
bool queue_watch::is_lost(attempt& a, bool on_way, instant now) {
  if (!a.missing)
    a.missing = now;
  auto patience = on_way ? std::chrono::nanoseconds{limits::result_lost_after}
                         : limits::offer_lost_after
                               + limits::offer_lost_after_per_mib * (a.bytes / limits::mib);
  return *a.missing + patience <= now;
}

} // namespace troupe
