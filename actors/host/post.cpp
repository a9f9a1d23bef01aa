#include "actors/host/post.hpp"

#include "actors/cluster/routing.hpp"
#include "actors/host/shell.hpp"

#include <caf/actor_cast.hpp>

#include <bit>
#include <cassert>
#include <mutex>

namespace troupe {

namespace {

[[maybe_unused]] bool is_shell(const logic_actor& who) {
  return dynamic_cast<shell*>(caf::actor_cast<caf::abstract_actor*>(who)) != nullptr;
}

} // namespace

post::post(node_id self, metrics& counted, std::shared_ptr<log_sink> log, judging judged_by)
    : self_(self), counted_(counted), log_(std::move(log)), judged_by_(judged_by) {}

void post::send(envelope message, caf::execution_unit* unit) {
  if (!is_refused(message))
    deliver(std::move(message), unit);
}

/// What the contracts allow.
void post::deliver(envelope message, caf::execution_unit* unit) {
  switch (next_hop_of(message.target, self_)) {
    case next_hop::out:
      return send_out(std::move(message));
    case next_hop::agent:
      return send_to_agent(std::move(message), unit);
    case next_hop::service:
      break;
  }
  auto receiver = find(message.target.svc);
  auto admitted = receiver ? offer(receiver, message, unit) : admission::closed;
  if (admitted == admission::closed)
    refuse(message, unreachable(message.target, *view(), self_));
}

/// To an agent that is active here, or to the service that activates it, or to its home.
void post::send_to_agent(envelope message, caf::execution_unit* unit) {
  auto& target = message.target;
  bool passed_on = message.activations > 0; // from service::roles: it is the next in order
  if (auto active = passed_on ? agents_.find(target.agent) : agents_.find_open(target.agent))
    if (offer(active, message, unit) != admission::closed)
      return;
  if (!is_started_here(target, *view(), self_)) // it goes there, or its sender hears where that is
    return send_out(std::move(message));
  if (passed_on) {
    agents_.goes_around_again(target.agent);
    return send_around(std::move(message), unit);
  }
  switch (agents_.enter(message, !may_be_refused(message))) {
    case agent_directory::entrance::open:
      return send_to_agent(std::move(message), unit);
    case agent_directory::entrance::held:
      return;
    case agent_directory::entrance::full:
      return turn_away(message);
    case agent_directory::entrance::around:
      return send_around(std::move(message), unit);
  }
}

/// To service::roles, which activates the agent. An agent that ends at this moment sends a message
/// round once more. By then, the service that starts agents knows of that end, so more than one
/// extra round is next to impossible.
void post::send_around(envelope message, caf::execution_unit* unit) {
  auto agent = message.target.agent;
  auto admitted = admission::closed;
  if (!may_go_around(message)) {
    refuse(message, ends_at_once(message.target));
  } else {
    if (auto roles = find(service::roles))
      admitted = offer(roles, message, unit);
    if (admitted == admission::closed)
      refuse(message, cannot_be_started(message.target));
  }
  if (admitted != admission::in)
    agents_.came_around(agent, unit);
}

/// `closed`: the message was not taken. Otherwise everything that can be done is done.
post::admission post::offer(const logic_actor& receiver, envelope& message,
                            caf::execution_unit* unit) {
  auto bytes = charge_of(message);
  auto admitted = shell_of(receiver).inbox().enter(1, bytes, !may_be_refused(message));
  if (admitted == admission::in) {
    gathered_messages one;
    one.add(std::move(message), bytes);
    shell_of(receiver).hand_over(std::move(one), unit);
  } else if (admitted == admission::full)
    turn_away(message);
  return admitted;
}

/// False: not all of them fit, and none was taken.
bool post::offer_all(const logic_actor& receiver, std::span<envelope> run,
                     caf::execution_unit* unit) {
  gathered_messages all;
  std::size_t bytes = 0;
  for (auto& message : run) {
    auto charged = charge_of(message);
    bytes += charged;
    all.add(std::move(message), charged);
  }
  if (shell_of(receiver).inbox().enter(run.size(), bytes, false) != admission::in) {
    auto back = run.rbegin();
    all.for_each([&](waiting_message& one) { *back++ = std::move(one.message); });
    return false;
  }
  shell_of(receiver).hand_over(std::move(all), unit);
  return true;
}

/// The mailbox is full.
void post::turn_away(const envelope& message) {
  if (message.kind == message_kind::request) {
    counted_.plain().envelopes_overloaded.fetch_add(1, std::memory_order_relaxed);
    return refuse(message, has_too_much_to_do(message.target));
  }
  auto dropped = counted_.plain().envelopes_dropped.fetch_add(1, std::memory_order_relaxed) + 1;
  // A flood must not become a flood of lines.
  if (std::has_single_bit(dropped))
    log_->write({log_level::warning, "post",
                 "the mailbox of " + to_string(message.target) + " is full: a message was dropped, "
                     + std::to_string(dropped) + " so far on this node",
                 message.trace.trace});
}

void post::send_all(std::vector<envelope>& messages, caf::execution_unit* unit) {
  for (std::size_t begin = 0, end = 0; begin < messages.size(); begin = end) {
    end = begin + 1;
    if (is_refused(messages[begin]))
      continue;
    while (end < messages.size() && messages[end].target == messages[begin].target
           && judged_by_(messages[end], self_) == ruling::kept)
      ++end;
    std::span run{messages.data() + begin, end - begin};
    if (run.size() > 1)
      if (auto receiver = standing_at(run.front().target))
        if (offer_all(receiver, run, unit))
          continue;
    for (auto& message : run)
      deliver(std::move(message), unit);
  }
  messages.clear();
}

/// Null: nobody, or not here.
logic_actor post::standing_at(const address& target) const {
  switch (next_hop_of(target, self_)) {
    case next_hop::service:
      return find(target.svc);
    case next_hop::agent:
      return agents_.find_open(target.agent);
    case next_hop::out:
      break;
  }
  return {};
}

void post::send_out(envelope message) {
  if (to_client_ && message.target.what == address::kind::session
      && (!message.target.node || message.target.node == self_))
    to_client_(message); // also if the client is gone: it is the end of what it asked
  auto link = link_of(message.target);
  if (!link)
    return refuse(message, unreachable(message.target, *view(), self_));
  // Only its node knows a client's own address: let the answer find its way back here.
  if (!message.sender.node)
    message.sender.node = self_;
  auto put = link->put(message);
  if (put == outbox::put_result::queued) {
    counted_.plain().envelopes_sent.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  auto why = not_put(put, message.target, *view(), self_);
  if (put != outbox::put_result::too_large || message.kind != message_kind::reply)
    return refuse(message, why);
  why.message = "the answer would be " + why.message; // the waiting sender hears of that
  message.body = payload::of(to_proto(why));
  link->put(message);
}

std::shared_ptr<outbox> post::link_of(const address& target) const {
  std::shared_lock guard{places_mutex_};
  if (target.node && target.node != self_) {
    auto found = peers_.find(target.node);
    return found == peers_.end() ? nullptr : found->second;
  }
  if (target.what != address::kind::session)
    return nullptr;
  auto found = sessions_.find(target.session);
  return found == sessions_.end() ? nullptr : found->second;
}

void post::refuse(const envelope& message, const failure& why) {
  if (auto reply = refusal(message, why, self_))
    send(std::move(*reply));
}

/// True: its sender may not send it there; everything that can be done is done.
bool post::is_refused(const envelope& message) {
  auto ruled = judged_by_(message, self_);
  if (ruled == ruling::kept)
    return false;
  auto refused = counted_.plain().messages_refused.fetch_add(1, std::memory_order_relaxed) + 1;
  auto why = explain(ruled, message);
  if (std::has_single_bit(refused)) // a flood must not become a flood of lines
    log_->write({log_level::warning, "post",
                 "refused: " + why.message + " (" + std::to_string(refused) + " so far)",
                 message.trace.trace});
  refuse(message, why);
  return true;
}

// -- who is where -----------------------------------------------------------------------------

logic_actor post::find(service s) const {
  std::shared_lock guard{places_mutex_};
  return services_[static_cast<std::size_t>(s)];
}

logic_actor post::find(const name& agent) const { return agents_.find(agent); }

void post::place(service s, logic_actor who) {
  assert(!who || is_shell(who));
  std::unique_lock guard{places_mutex_};
  services_[static_cast<std::size_t>(s)].swap(
      who); // the previous actor is destroyed after the lock, with the argument
}

void post::place(const name& agent, logic_actor who) {
  assert(!who || is_shell(who));
  agents_.place(agent, std::move(who));
}

void post::remove(const address& place, caf::actor_id who) {
  if (place.what == address::kind::agent)
    return agents_.remove(place.agent, who);
  if (place.what != address::kind::service)
    return;
  logic_actor gone; // destroyed after the lock
  std::unique_lock guard{places_mutex_};
  if (auto& there = services_[static_cast<std::size_t>(place.svc)]; there && there.id() == who)
    gone.swap(there);
}

bool post::remove_if_idle(const name& agent, caf::actor_id who, inbox_meter& inbox) {
  return agents_.remove_if_idle(agent, who, inbox);
}

void post::came_around(const name& agent, caf::execution_unit* unit) {
  agents_.came_around(agent, unit);
}

std::size_t post::agents() const { return agents_.size(); }

void post::attach_peer(node_id peer, std::shared_ptr<outbox> link) {
  std::unique_lock guard{places_mutex_};
  peers_[peer].swap(link);
}

void post::detach_peer(node_id peer, const outbox* link) {
  std::shared_ptr<outbox> gone; // destroyed after the lock
  std::unique_lock guard{places_mutex_};
  auto found = peers_.find(peer);
  if (found != peers_.end() && found->second.get() == link) {
    gone.swap(found->second);
    peers_.erase(found);
  }
}

void post::attach_session(session_id client, std::shared_ptr<outbox> link) {
  std::unique_lock guard{places_mutex_};
  sessions_[client].swap(link);
}

bool post::detach_session(session_id client, const outbox* link) {
  std::shared_ptr<outbox> gone; // destroyed after the lock
  std::unique_lock guard{places_mutex_};
  auto found = sessions_.find(client);
  if (found == sessions_.end() || found->second.get() != link)
    return false;
  gone.swap(found->second);
  sessions_.erase(found);
  return true;
}

void post::publish(std::shared_ptr<const member_view> view) {
  std::unique_lock guard{places_mutex_};
  view_.swap(view);
}

std::shared_ptr<const member_view> post::view() const {
  std::shared_lock guard{places_mutex_};
  return view_;
}

} // namespace troupe
