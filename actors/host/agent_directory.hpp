#pragma once

#include "actors/host/inbox_meter.hpp"
#include "actors/host/interfaces.hpp"
#include "actors/host/waiting_list.hpp"
#include "config/limits/work.hpp"

#include <array>
#include <memory>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

namespace caf {
class execution_unit;
} // namespace caf

namespace troupe {

/// Which agents are active on this node, and in which order messages reach an agent that is being
/// started.
///
/// A message for an agent that is not active goes round by service::roles, which starts the agent
/// and passes the message on. Until then the sender may send more messages, and those must not get
/// ahead. So the directory counts the messages on their way round (`enter` answers `around`,
/// `came_around` ends one). While there are any, messages that come straight are held and charged
/// to the agent's mailbox. When the last detour ends, the held messages follow, and the agent is
/// open.
///
/// Thread-safe. Nothing is handed over and nothing is destroyed under a lock.
class agent_directory {
public:
  /// What became of a message.
  enum class entrance : std::uint8_t {
    open,   ///< nothing yet: the agent can now be reached straight; look again
    held,   ///< taken
    full,   ///< nothing: the agent's mailbox is full
    around, ///< nothing: it has to go round service::roles, and was counted as doing so
  };

  /// Null: nobody is there.
  logic_actor find(const name& agent) const;
  /// The same, but null while other messages have to reach the agent first: see `enter`.
  logic_actor find_open(const name& agent) const;

  /// For a message that found nobody, or found a closed inbox. Moves from the message if it is
  /// held.
  entrance enter(envelope& message, bool reserve);
  /// A counted message was passed on or given up.
  void came_around(const name& agent, caf::execution_unit* unit);
  /// A counted message comes once more: its agent closed while the message was passed on.
  void goes_around_again(const name& agent);

  void place(const name& agent, logic_actor who);
  /// Removes the entry if it still belongs to that actor. Held messages go to that actor: they were
  /// let in.
  void remove(const name& agent, caf::actor_id who);
  /// Closes the inbox of that actor and removes the actor, if nothing is on its way to it. False:
  /// something is, and nothing has changed.
  bool remove_if_idle(const name& agent, caf::actor_id who, inbox_meter& inbox);

  /// How many are active.
  std::size_t size() const;

private:
  struct entry {
    logic_actor active;
    std::size_t around = 0; ///< messages on their way round service::roles
    gathered_messages held; ///< let in; they follow those
    bool releasing = false; ///< held ones are being handed over
    bool empty() const { return !active && around == 0 && !releasing; }
    bool open() const { return active && around == 0 && held.empty() && !releasing; }
  };
  struct shard {
    mutable std::shared_mutex mutex;
    std::unordered_map<name, entry> agents;
  };

  void release(const name& agent, caf::execution_unit* unit);
  shard& shard_of(const name& agent) { return shards_[agent.hash() % shards_.size()]; }
  const shard& shard_of(const name& agent) const { return shards_[agent.hash() % shards_.size()]; }

  std::array<shard, limits::directory_shards> shards_;
};

} // namespace troupe
