#include "actors/host/agent_directory.hpp"

#include "actors/host/mailbox_order.hpp"
#include "actors/host/shell.hpp"

#include <caf/actor_cast.hpp>
#include <caf/mailbox_element.hpp>

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

template <class T>
void enqueue(const logic_actor& receiver, T what, caf::execution_unit* unit) {
  auto raw = caf::actor_cast<caf::abstract_actor*>(receiver);
  before_enqueue(raw);
  raw->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(what)),
               unit);
}

} // namespace

void hand_over(const logic_actor& receiver, parcel one, caf::execution_unit* unit) {
  enqueue(receiver, std::move(one), unit);
}

void hand_over(const logic_actor& receiver, parcels many, caf::execution_unit* unit) {
  enqueue(receiver, std::move(many), unit);
}

logic_actor agent_directory::find(const name& agent) const {
  auto& home = shard_of(agent);
  std::shared_lock guard{home.mutex};
  auto found = home.agents.find(agent);
  return found == home.agents.end() ? logic_actor{} : found->second.active;
}

logic_actor agent_directory::find_open(const name& agent) const {
  auto& home = shard_of(agent);
  std::shared_lock guard{home.mutex};
  auto found = home.agents.find(agent);
  return found == home.agents.end() || !found->second.open() ? logic_actor{} : found->second.active;
}

agent_directory::entrance agent_directory::enter(envelope& message, bool reserve) {
  const auto& agent = message.target.agent;
  auto& home = shard_of(agent);
  std::unique_lock guard{home.mutex};
  auto& there = home.agents[agent];
  if (there.active) {
    auto& inbox = shell_of(there.active).inbox();
    bool closed = inbox.how_it_ended() != inbox_meter::ended::no;
    if (!closed && there.open())
      return entrance::open;
    auto bytes = charge_of(message);
    auto admitted = inbox.enter(1, bytes, reserve);
    if (admitted == inbox_meter::admission::full)
      return entrance::full;
    if (admitted == inbox_meter::admission::in) {
      there.held.messages.push_back(std::move(message));
      there.held.bytes += bytes;
      return entrance::held;
    }
  }
  ++there.around;
  return entrance::around;
}

void agent_directory::goes_around_again(const name& agent) {
  auto& home = shard_of(agent);
  std::unique_lock guard{home.mutex};
  ++home.agents[agent].around;
}

void agent_directory::came_around(const name& agent, caf::execution_unit* unit) {
  {
    auto& home = shard_of(agent);
    std::unique_lock guard{home.mutex};
    auto found = home.agents.find(agent);
    if (found == home.agents.end() || found->second.around == 0)
      return; // somebody other than the post gave it to service::roles
    auto& there = found->second;
    if (--there.around > 0)
      return;
    if (there.empty()) {
      home.agents.erase(found);
      return;
    }
    if (!there.active || there.held.messages.empty())
      return;
  }
  release(agent, unit);
}

/// Messages that come meanwhile are held too, until none are held.
void agent_directory::release(const name& agent, caf::execution_unit* unit) {
  auto& home = shard_of(agent);
  for (;;) {
    logic_actor whom;
    parcels next;
    {
      std::unique_lock guard{home.mutex};
      auto found = home.agents.find(agent);
      if (found == home.agents.end())
        return;
      auto& there = found->second;
      there.releasing = there.active && there.around == 0 && !there.held.messages.empty();
      if (!there.releasing) {
        if (there.empty())
          home.agents.erase(found);
        return;
      }
      next.value = std::exchange(there.held, {});
      whom = there.active;
    }
    hand_over(whom, std::move(next), unit);
  }
}

void agent_directory::place(const name& agent, logic_actor who) {
  auto& home = shard_of(agent);
  std::unique_lock guard{home.mutex};
  home.agents[agent].active.swap(who); // the previous actor is destroyed after the lock
}

void agent_directory::remove(const name& agent, caf::actor_id who) {
  logic_actor gone; // destroyed after the lock
  parcels left;
  {
    auto& home = shard_of(agent);
    std::unique_lock guard{home.mutex};
    auto found = home.agents.find(agent);
    if (found == home.agents.end() || !found->second.active || found->second.active.id() != who)
      return;
    auto& there = found->second;
    gone.swap(there.active);
    left.value = std::exchange(there.held, {});
    if (there.empty())
      home.agents.erase(found);
  }
  if (!left.value.messages.empty())
    hand_over(gone, std::move(left), nullptr);
}

bool agent_directory::remove_if_idle(const name& agent, caf::actor_id who, inbox_meter& inbox) {
  logic_actor gone; // destroyed after the lock
  auto& home = shard_of(agent);
  std::unique_lock guard{home.mutex};
  auto found = home.agents.find(agent);
  bool stands =
      found != home.agents.end() && found->second.active && found->second.active.id() == who;
  if (stands && !found->second.open())
    return false;
  if (!inbox.close_if_empty())
    return false;
  if (stands) {
    gone.swap(found->second.active);
    home.agents.erase(found);
  }
  return true;
}

std::size_t agent_directory::size() const {
  std::size_t count = 0;
  for (auto& home : shards_) {
    std::shared_lock guard{home.mutex};
    count += static_cast<std::size_t>(std::ranges::count_if(
        home.agents, [](const auto& one) { return bool{one.second.active}; }));
  }
  return count;
}

} // namespace troupe
