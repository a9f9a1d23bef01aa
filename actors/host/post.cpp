#include "actors/host/post.hpp"

#include "actors/host/shell.hpp"
#include "config/limits/links.hpp"

#include <caf/actor_cast.hpp>

#include <bit>
#include <cassert>
#include <mutex>

namespace troupe {

namespace {

[[maybe_unused]] bool is_shell(const logic_actor& who) {
  return dynamic_cast<shell*>(caf::actor_cast<caf::abstract_actor*>(who)) != nullptr;
}

/// Where agents and services are: elsewhere, a session, or nobody otherwise.
bool may_stand_here(const address& target, node_id self) {
  return (!target.node || target.node == self)
         && (target.what == address::kind::service || target.what == address::kind::agent);
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
  if (!may_stand_here(message.target, self_))
    return send_out(std::move(message));
  if (message.target.what == address::kind::agent)
    return send_to_agent(std::move(message), unit);
  auto receiver = find(message.target.svc);
  auto admitted = receiver ? offer(receiver, message, unit) : admission::closed;
  if (admitted == admission::closed)
    refuse(message, unreachable(message.target));
}

/// To an agent that is active here, or to the service that activates it, or to its home.
void post::send_to_agent(envelope message, caf::execution_unit* unit) {
  auto& target = message.target;
  bool passed_on = message.activations > 0; // from service::roles: it is the next in order
  if (auto active = passed_on ? agents_.find(target.agent) : agents_.find_open(target.agent))
    if (offer(active, message, unit) != admission::closed)
      return;
  if (!is_pool_slot(target.agent)) {
    auto home = home_of(target.agent, *view());
    if (!target.node)
      target.node = home;
    if (home != self_) // it goes there, or its sender hears where its home is
      return send_out(std::move(message));
  }
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
  if (++message.activations > limits::activations_max) {
    refuse(message, {ec::unavailable, to_string(message.target)
                                          + " ends as soon as it is started; try again later"});
  } else {
    if (auto roles = find(service::roles))
      admitted = offer(roles, message, unit);
    if (admitted == admission::closed)
      refuse(message, {ec::unavailable, to_string(message.target)
                                            + " cannot be started now: its node is stopping, "
                                              "or is being repaired"});
  }
  if (admitted != admission::in)
    agents_.came_around(agent, unit);
}

/// `closed`: the message was not taken. Otherwise everything that can be done is done.
post::admission post::offer(const logic_actor& receiver, envelope& message,
                            caf::execution_unit* unit) {
  auto bytes = charge_of(message);
  auto admitted = shell_of(receiver).inbox().enter(1, bytes, !may_be_refused(message));
  if (admitted == admission::in)
    hand_over(receiver, parcel{{std::move(message), bytes}}, unit);
  else if (admitted == admission::full)
    turn_away(message);
  return admitted;
}

/// False: not all of them fit, and none was taken.
bool post::offer_all(const logic_actor& receiver, std::span<envelope> run,
                     caf::execution_unit* unit) {
  std::size_t bytes = 0;
  for (const auto& message : run)
    bytes += charge_of(message);
  if (shell_of(receiver).inbox().enter(run.size(), bytes, false) != admission::in)
    return false;
  hand_over(receiver,
            parcels{{{std::move_iterator{run.begin()}, std::move_iterator{run.end()}}, bytes}},
            unit);
  return true;
}

/// The mailbox is full.
void post::turn_away(const envelope& message) {
  if (message.kind == message_kind::request) {
    counted_.plain().envelopes_overloaded.fetch_add(1, std::memory_order_relaxed);
    return refuse(message, {ec::overloaded,
                            to_string(message.target) + " has too much to do; try again later"});
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
  if (!may_stand_here(target, self_))
    return {};
  return target.what == address::kind::service ? find(target.svc) : agents_.find_open(target.agent);
}

void post::send_out(envelope message) {
  auto link = link_of(message.target);
  if (!link) {
    return refuse(message, unreachable(message.target));
  }
  // Only its node knows a client's own address: let the answer find its way back here.
  if (!message.sender.node)
    message.sender.node = self_;
  if (to_client_ && message.target.what == address::kind::session
      && (!message.target.node || message.target.node == self_))
    to_client_(message);
  switch (link->put(message)) {
    case outbox::put_result::queued:
      counted_.plain().envelopes_sent.fetch_add(1, std::memory_order_relaxed);
      return;
    case outbox::put_result::overloaded:
      return refuse(message, {ec::overloaded, "the link to where " + to_string(message.target)
                                                  + " is has too much to send; try again later"});
    case outbox::put_result::too_large: {
      failure why{ec::too_large,
                  "a message of more than " + std::to_string(limits::payload_bytes_max) + " bytes"};
      if (message.kind != message_kind::reply)
        return refuse(message, why);
      why.message = "the answer would be " + why.message; // the waiting sender hears of that
      message.body = payload::of(to_proto(why));
      link->put(message);
      return;
    }
    case outbox::put_result::closed:
      return refuse(message, unreachable(message.target));
  }
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

std::string post::describe(node_id node) const {
  auto members = view();
  auto known = members->find(node);
  return known ? known->info.name() + " (" + known->info.address() + ")" : to_string(node);
}

failure post::unreachable(const address& target) const {
  bool here = !target.node || target.node == self_;
  if (target.what == address::kind::service && here)
    return {ec::unavailable, std::string{to_string(target.svc)} + " is being restarted"};
  if (target.what == address::kind::agent && here)
    return not_at_home(target);
  auto members = view();
  auto known = members->find(target.node);
  auto state = !known                      ? ", which is not a member of this cluster"
               : known->state == MEMBER_UP ? ", but the link to it was just lost; try again"
                                           : ", which is " + std::string{to_string(known->state)};
  return {ec::unavailable, to_string(target) + " is on " + describe(target.node) + state};
}

failure post::not_at_home(const address& target) const {
  auto agent = to_string(target);
  auto home = home_of(target.agent, *view());
  if (!home)
    return {ec::unavailable,
            "the home of " + agent + " is not known yet: this node is starting; try again"};
  return {ec::unavailable, agent + " is at home on " + describe(home) + ", not on "
                               + describe(self_) + ": send to it by its name alone"};
}

void post::refuse(const envelope& message, const failure& why) {
  if (message.kind != message_kind::request || message.sender.empty())
    return;
  auto reply = reply_failure(message, why);
  reply.sender.node = self_; // this node says so, whoever it was for
  send(std::move(reply));
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
