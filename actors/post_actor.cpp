#include "actors/post_actor.hpp"

#include "actors/mailbox_order_actor.hpp"
#include "config/limits/links.hpp"

#include <caf/actor_cast.hpp>
#include <caf/mailbox_element.hpp>

namespace troupe {

namespace {

template <class T>
void hand_over(const logic_actor& receiver, T what, caf::execution_unit* unit) {
  auto raw = caf::actor_cast<caf::abstract_actor*>(receiver);
  before_enqueue(raw);
  raw->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(what)),
               unit);
}

} // namespace

post::post(node_id self, metrics& counted) : self_(self), counted_(counted) {}

void post::send(envelope message, caf::execution_unit* unit) {
  if (auto receiver = local_receiver(message))
    hand_over(receiver, parcel{std::move(message)}, unit);
  else
    send_out(std::move(message));
}

void post::send_all(std::vector<envelope>& messages, caf::execution_unit* unit) {
  for (std::size_t begin = 0, end = 0; begin < messages.size(); begin = end) {
    end = begin + 1;
    auto receiver = local_receiver(messages[begin]);
    if (!receiver) {
      send_out(std::move(messages[begin]));
      continue;
    }
    while (end < messages.size() && messages[end].target == messages[begin].target)
      ++end;
    if (end - begin == 1) {
      hand_over(receiver, parcel{std::move(messages[begin])}, unit);
      continue;
    }
    auto first = messages.begin() + static_cast<std::ptrdiff_t>(begin);
    auto last = messages.begin() + static_cast<std::ptrdiff_t>(end);
    hand_over(receiver, parcels{{std::move_iterator{first}, std::move_iterator{last}}}, unit);
  }
  messages.clear();
}

logic_actor post::local_receiver(envelope& message) const {
  auto& target = message.target;
  if (target.node && target.node != self_)
    return {};
  if (target.what == address::kind::service)
    return find(target.svc);
  if (target.what != address::kind::agent)
    return {};
  if (auto active = find(target.agent))
    return active;
  if (!target.node) {
    auto home = home_of(target.agent, *view());
    target.node = home ? home : self_;
    if (target.node != self_)
      return {};
  }
  return find(service::roles); // it activates the agent and passes the message on
}

void post::send_out(envelope message) {
  auto link = link_of(message.target);
  if (!link) {
    return refuse(message, unreachable(message.target));
  }
  // A client's own address is only known to its node: let the answer find the way back here.
  if (!message.sender.node)
    message.sender.node = self_;
  switch (link->put(message)) {
    case outbox::verdict::queued:
      counted_.plain().envelopes_sent.fetch_add(1, std::memory_order_relaxed);
      return;
    case outbox::verdict::overloaded:
      return refuse(message, {ec::overloaded, "the link to where " + to_string(message.target)
                                                  + " is has too much to send; try again later"});
    case outbox::verdict::too_large: {
      failure why{ec::too_large,
                  "a message of more than " + std::to_string(limits::payload_bytes_max) + " bytes"};
      if (message.kind != message_kind::reply)
        return refuse(message, why);
      why.message = "the answer would be " + why.message; // who waits for it hears of that
      message.body = payload::of(to_proto(why));
      link->put(message);
      return;
    }
    case outbox::verdict::closed:
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

failure post::unreachable(const address& target) const {
  if (target.what == address::kind::service && (!target.node || target.node == self_))
    return {ec::unavailable, std::string{to_string(target.svc)} + " is being started again"};
  auto where = to_string(target.node);
  auto members = view();
  if (auto known = members->find(target.node))
    where = known->info.name() + " (" + known->info.address() + "), which is "
            + std::string{to_string(known->state)};
  return {ec::unavailable, to_string(target) + " is on " + where};
}

void post::refuse(const envelope& message, const failure& why) {
  if (message.kind != message_kind::request || message.sender.empty())
    return;
  send(reply_failure(message, why));
}

// -- who stands where -----------------------------------------------------------------------------

logic_actor post::find(service s) const {
  std::shared_lock guard{places_mutex_};
  return services_[static_cast<std::size_t>(s)];
}

logic_actor post::find(const name& agent) const {
  auto& home = shards_[agent.hash() % shards_.size()];
  std::shared_lock guard{home.mutex};
  auto found = home.agents.find(agent);
  return found == home.agents.end() ? logic_actor{} : found->second;
}

void post::place(service s, logic_actor who) {
  std::unique_lock guard{places_mutex_};
  services_[static_cast<std::size_t>(s)] = std::move(who);
}

void post::place(const name& agent, logic_actor who) {
  auto& home = shards_[agent.hash() % shards_.size()];
  std::unique_lock guard{home.mutex};
  home.agents.insert_or_assign(agent, std::move(who));
}

void post::remove(const address& place, caf::actor_id who) {
  if (place.what == address::kind::service) {
    std::unique_lock guard{places_mutex_};
    if (auto& there = services_[static_cast<std::size_t>(place.svc)]; there && there.id() == who)
      there = nullptr;
  } else if (place.what == address::kind::agent) {
    auto& home = shards_[place.agent.hash() % shards_.size()];
    std::unique_lock guard{home.mutex};
    auto found = home.agents.find(place.agent);
    if (found != home.agents.end() && found->second.id() == who)
      home.agents.erase(found);
  }
}

std::size_t post::agents() const {
  std::size_t count = 0;
  for (auto& s : shards_) {
    std::shared_lock guard{s.mutex};
    count += s.agents.size();
  }
  return count;
}

void post::attach_peer(node_id peer, std::shared_ptr<outbox> link) {
  std::unique_lock guard{places_mutex_};
  peers_.insert_or_assign(peer, std::move(link));
}

void post::detach_peer(node_id peer, const outbox* link) {
  std::unique_lock guard{places_mutex_};
  auto found = peers_.find(peer);
  if (found != peers_.end() && found->second.get() == link)
    peers_.erase(found);
}

void post::attach_session(session_id client, std::shared_ptr<outbox> link) {
  std::unique_lock guard{places_mutex_};
  sessions_.insert_or_assign(client, std::move(link));
}

void post::detach_session(session_id client) {
  std::unique_lock guard{places_mutex_};
  sessions_.erase(client);
}

void post::publish(std::shared_ptr<const member_view> view) {
  std::unique_lock guard{places_mutex_};
  view_ = std::move(view);
}

std::shared_ptr<const member_view> post::view() const {
  std::shared_lock guard{places_mutex_};
  return view_;
}

} // namespace troupe
