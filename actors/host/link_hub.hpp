#pragma once

#include "actors/cluster/chunk_budget.hpp"
#include "actors/cluster/newcomers.hpp"
#include "actors/cluster/peer_links.hpp"
#include "actors/host/node_host.hpp"
#include "config/base/file_handle.hpp"
#include "config/limits/links.hpp"
#include "messages/cluster.pb.h"
#include "persistence/files.hpp"

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

/// Everything that one link has registered where others see it: counts, and its entries among the
/// links, in the post, with membership and the dialler. The destructor removes all of it again,
/// however the link ends: closed, refused, or by an exception in its broker. Used by one thread at
/// a time.
class link_registration {
public:
  /// Owns the socket until `release_socket`. `dialled`: the member, zero for accepted connections.
  link_registration(link_hub& hub, int socket, node_id dialled);
  ~link_registration();
  link_registration(const link_registration&) = delete;
  link_registration& operator=(const link_registration&) = delete;

  link_hub& hub() const noexcept { return hub_; }
  std::uint64_t number() const noexcept { return number_; }
  node_id dialled() const noexcept { return dialled_; }
  int socket() const noexcept { return socket_.get(); }
  void release_socket() { socket_.release(); }

  /// The broker that runs the link. It is told to stop at once if the node is stopping.
  void begin(const caf::actor& broker);
  /// One more stranger. If there is one too many, the lowest-ranked stranger is told to `leave`.
  void enter(newcomers& door, std::function<void()> leave);
  void reached(newcomers::milestone step);
  /// The door where it waits to show who it is; null: it has done so, or came through no door.
  newcomers* door() const noexcept { return door_; }
  /// Another link to that member counts: this one ends once it is drained.
  bool is_replaced() const noexcept { return replaced_->load(std::memory_order_relaxed); }

  /// A client has proven itself.
  void attach_client(session_id session, std::shared_ptr<outbox> waiting);
  /// A member has proven itself. Its link counts once it is confirmed.
  void attach_member(const Hello& peer, std::uint64_t features, std::shared_ptr<outbox> waiting);
  /// Sealed frames have passed in both directions.
  void confirm();

  /// Why the link ends, for later questions. `left`: the peer ended it, and said so.
  void ends_because(std::string why, bool left) {
    why_ = std::move(why);
    left_ = left;
  }

private:
  enum class peer_kind { unproven, client, member };

  void leave_door();
  void leave_clients();
  void leave_members();
  void fail_unanswered();

  link_hub& hub_;
  const std::uint64_t number_;
  file_handle socket_;
  node_id dialled_;
  peer_kind now_ = peer_kind::unproven;
  session_id session_;
  NodeInfo peer_;
  std::shared_ptr<outbox> waiting_;
  std::shared_ptr<std::atomic<bool>> replaced_;
  newcomers* door_ = nullptr;
  std::string why_ = "the link failed";
  bool left_ = false;
};

/// The links to other nodes that count, for a membership that is restarted.
std::vector<LinkOpened> open_links(link_hub& hub);

/// Ends all links, and every link that is adopted from now on.
void stop_links(link_hub& hub);

} // namespace troupe
