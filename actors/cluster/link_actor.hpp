#pragma once

#include "actors/cluster/acceptor.hpp"
#include "actors/cluster/link_logic.hpp"
#include "actors/cluster/newcomers.hpp"
#include "actors/node_host_actor.hpp"
#include "config/limits/links.hpp"
#include "messages/cluster.pb.h"

#include <caf/actor.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

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
        strangers(strangers_at_most), neighbours(strangers_at_most) {}

  node_host& host;
  caf::actor_system& system;
  NodeInfo self;
  std::string cluster;
  std::string secret;
  std::function<std::string()> nonce;                 ///< 32 random bytes from the system
  std::function<void(node_id)> lost = [](node_id) {}; ///< a link that this node dialled has ended
  /// Who has not shown who he is, by the door he came through: none can lock out the other's.
  newcomers strangers;                           ///< by TCP
  newcomers neighbours;                          ///< by the local socket
  std::atomic<std::uint64_t> links{0};           ///< numbers them
  std::mutex mutex;                              ///< of the next three
  std::map<std::uint64_t, caf::actor_addr> open; ///< brokers by number
  std::map<std::uint64_t, NodeInfo> peers;       ///< that are attached, by the link's number
  bool stopping = false;
};

/// Makes a connected socket a link: a broker in CAF's I/O thread, which owns the socket from now
/// on. The broker frames, counts and routes; it parses no payload and never blocks. A peer that
/// proves to be a member is attached to the post, a client as a session; anybody else is told why
/// and closed. Callable from any thread.
///
/// `expected` is the member that was dialled, zero for accepted connections. `door` is where it was
/// accepted; one too many, and another leaves. Null for dialled ones.
void adopt_link(link_hub& hub, int socket, node_id expected, newcomers* door);

/// What an acceptor needs to bring connections in by that door.
acceptor::options accept_at(link_hub& hub, newcomers& door);

/// The links to other nodes that are there, for a membership that is started again.
std::vector<LinkOpened> open_links(link_hub& hub);

/// Ends all links, and every one that is adopted from now on.
void stop_links(link_hub& hub);

} // namespace troupe
