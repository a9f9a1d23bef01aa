#pragma once

#include "actors/cluster/newcomers.hpp"
#include "actors/host/link_hub.hpp"
#include "config/base/file_handle.hpp"
#include "messages/cluster.pb.h"

#include <caf/actor.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace troupe {

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

} // namespace troupe
