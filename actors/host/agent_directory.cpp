#include "actors/host/agent_directory.hpp"

#include "actors/host/shell.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

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
      there.held.add(std::move(message), bytes);
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
    if (!there.active || there.held.empty())
      return;
  }
  release(agent, unit);
}

/// Messages that come meanwhile are held too, until none are held.
void agent_directory::release(const name& agent, caf::execution_unit* unit) {
  auto& home = shard_of(agent);
  for (;;) {
    logic_actor whom;
    gathered_messages next;
    {
      std::unique_lock guard{home.mutex};
      auto found = home.agents.find(agent);
      if (found == home.agents.end())
        return;
      auto& there = found->second;
      there.releasing = there.active && there.around == 0 && !there.held.empty();
      if (!there.releasing) {
        if (there.empty())
          home.agents.erase(found);
        return;
      }
      next = std::exchange(there.held, {});
      whom = there.active;
    }
    shell_of(whom).hand_over(std::move(next), unit);
  }
}

void agent_directory::place(const name& agent, logic_actor who) {
  auto& home = shard_of(agent);
  std::unique_lock guard{home.mutex};
  home.agents[agent].active.swap(who); // the previous actor is destroyed after the lock
}

void agent_directory::remove(const name& agent, caf::actor_id who) {
  logic_actor gone; // destroyed after the lock
  gathered_messages left;
  {
    auto& home = shard_of(agent);
    std::unique_lock guard{home.mutex};
    auto found = home.agents.find(agent);
    if (found == home.agents.end() || !found->second.active || found->second.active.id() != who)
      return;
    auto& there = found->second;
    gone.swap(there.active);
    left = std::exchange(there.held, {});
    if (there.empty())
      home.agents.erase(found);
  }
  if (!left.empty())
    shell_of(gone).hand_over(std::move(left), nullptr);
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
