#pragma once

#include "actors/cluster/members.hpp"
#include "actors/cluster/outbox.hpp"
#include "config/limits/work.hpp"
#include "messages/interfaces.hpp"
#include "telemetry/metrics.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

namespace caf {
class execution_unit;
} // namespace caf

namespace troupe {

/// The way from an address to whoever stands there: a service or agent of this node, a client
/// attached here, another node by its link. Everybody sends through it; nobody keeps a handle into
/// another subtree.
///
/// Thread-safe. Nothing is locked while a message is handed over. A request that cannot be
/// delivered is answered with a Failure; an event or a reply that cannot be delivered is dropped.
class post {
public:
  post(node_id self, metrics& counted);

  node_id self() const noexcept { return self_; }

  /// Delivers to `message.target`. `unit` is the sending actor's execution unit, if an actor sends:
  /// what it wakes then runs next on the same thread.
  void send(envelope message, caf::execution_unit* unit = nullptr);

  /// Delivers all, in order, and leaves `messages` empty. Runs of one target travel as one CAF
  /// message: that is what one step wants sent, or what came in one read of a link.
  void send_all(std::vector<envelope>& messages, caf::execution_unit* unit = nullptr);

  // -- who stands where ---------------------------------------------------------------------------

  /// Null: nobody stands there.
  logic_actor find(service s) const;
  logic_actor find(const name& agent) const;

  void place(service s, logic_actor who);
  void place(const name& agent, logic_actor who);
  /// Removes the entry if it is still that actor's. Nothing for other addresses.
  void remove(const address& place, caf::actor_id who);
  std::size_t agents() const;

  void attach_peer(node_id peer, std::shared_ptr<outbox> link);
  void detach_peer(node_id peer, const outbox* link);
  void attach_session(session_id client, std::shared_ptr<outbox> link);
  void detach_session(session_id client);

  void publish(std::shared_ptr<const member_view> view);
  std::shared_ptr<const member_view> view() const;

private:
  struct shard {
    mutable std::shared_mutex mutex;
    std::unordered_map<name, logic_actor> agents;
  };

  /// The local receiver, or null: then it is remote, a session, or nobody.
  logic_actor local_receiver(envelope& message) const;
  void send_out(envelope message);
  std::shared_ptr<outbox> link_of(const address& target) const;
  void refuse(const envelope& message, const failure& why);
  failure unreachable(const address& target) const;

  const node_id self_;
  metrics& counted_;
  mutable std::shared_mutex places_mutex_; ///< services, links and the view: they change rarely
  std::array<logic_actor, service_count> services_;
  std::unordered_map<node_id, std::shared_ptr<outbox>> peers_;
  std::unordered_map<session_id, std::shared_ptr<outbox>> sessions_;
  std::shared_ptr<const member_view> view_ = std::make_shared<member_view>();
  std::array<shard, limits::directory_shards> shards_;
};

} // namespace troupe
