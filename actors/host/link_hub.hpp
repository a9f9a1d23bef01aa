#pragma once

#include "actors/cluster/chunk_budget.hpp"
#include "actors/cluster/newcomers.hpp"
#include "actors/cluster/peer_links.hpp"
#include "actors/host/node_host.hpp"
#include "config/limits/links.hpp"
#include "messages/cluster.pb.h"

#include <caf/actor.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace caf {
class actor_system;
} // namespace caf

namespace troupe {

/// What all links of a node share.
struct link_hub {
  link_hub(node_host& shared, caf::actor_system& actors, NodeInfo own, std::string cluster_name,
           std::string cluster_secret, std::function<std::string()> nonce_source,
           std::size_t strangers_at_most = limits::unproven_connections_max)
      : host(shared), system(actors), self(std::move(own)), cluster(std::move(cluster_name)),
        secret(std::move(cluster_secret)), nonce(std::move(nonce_source)),
        strangers(strangers_at_most), neighbours(strangers_at_most) {
    self.clear_roles(); // nothing that grows goes into a handshake
  }

  /// A broker that runs.
  struct entry {
    caf::actor_addr broker;
    std::shared_ptr<outbox> waiting; ///< null until it is proven
    NodeInfo peer;                   ///< of members, once proven
    std::uint64_t features = 0;      ///< that both ends have
    std::shared_ptr<std::atomic<bool>> replaced = std::make_shared<std::atomic<bool>>(false);
  };

  node_host& host;
  caf::actor_system& system;
  NodeInfo self; ///< without roles
  std::string cluster;
  std::string secret;
  std::function<std::string()> nonce; ///< 32 random bytes from the system

  /// A member no longer has a link, or could not be linked: dial it again, if dialling it is our
  /// job.
  std::function<void(node_id)> lost = [](node_id) {};
  /// A member has a link: stop dialling it.
  std::function<void(node_id)> found = [](node_id) {};
  /// The node holds more messages than it may: links read nothing.
  std::function<bool()> is_full = [this] { return host.post->queued().too_many(); };
  /// Calls back once, from any thread, when that is no longer so.
  std::function<void(std::function<void()>)> when_room = [this](std::function<void()> resume) {
    host.post->queued().when_room(std::move(resume));
  };

  chunk_budget client_chunks{limits::client_chunks_bytes_max};
  chunk_budget member_chunks{limits::member_chunks_bytes_max};
  /// Connections that have not shown who they are, by door: those of one door cannot lock out those
  /// of the other.
  newcomers strangers;                 ///< by TCP
  newcomers neighbours;                ///< by the local socket
  std::atomic<std::uint64_t> links{0}; ///< numbers them
  std::mutex mutex;                    ///< of the next three
  std::map<std::uint64_t, entry> open; ///< by number
  peer_links members;
  bool stopping = false;

  bool is_stopping() {
    std::lock_guard guard{mutex};
    return stopping;
  }
};

/// An event for a service of this node.
void report(link_hub& hub, service to, auto message) {
  auto news = make_envelope(message_kind::event, address::of(to), std::move(message));
  hub.host.post->send(std::move(news));
}

/// Does what `hub.members` has decided: links end, or begin to count.
void carry_out(link_hub& hub, const peer_links::links_change& change);

/// The links to other nodes that count, for a membership that is restarted.
std::vector<LinkOpened> open_links(link_hub& hub);

/// Ends all links, and every link that is adopted from now on.
void stop_links(link_hub& hub);

} // namespace troupe
