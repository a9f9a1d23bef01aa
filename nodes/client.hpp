#pragma once

#include "messages/cluster.pb.h"
#include "messages/envelope.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace troupe {

struct client_options {
  std::string peer;                ///< HOST:PORT of a node's links; what messages call the node
  std::filesystem::path folder;    ///< a node's data folder: by the socket there, not by `peer`
  std::string cluster = "default"; ///< must be the node's own
  std::string secret;              ///< 64 hex digits
  node_id wanted{};                ///< who must answer there; zero: any node of the cluster
  session_id session; ///< of a client that comes back; zero: a new one, drawn at random
  std::chrono::milliseconds connect_timeout{1'500};
  int interrupt_fd = -1; ///< readable: `receive` returns `cancelled` at once
};

/// A client node's one link: attaches to a node, which relays. One thread, no actor system: it
/// drives the same pure link protocol as the nodes (actors/cluster/link_logic.hpp) over a socket.
/// Not thread-safe.
class client {
public:
  /// `unavailable`: nobody listens there. `refused`: another cluster, secret, version or node.
  static result<std::unique_ptr<client>> connect(const client_options& options);
  virtual ~client() = default;

  /// What the node told of itself and of the cluster's members.
  virtual const Welcome& welcome() const = 0;

  /// Where replies come to: the sender of everything that is sent here.
  virtual address self() const = 0;

  /// Numbers the message (unless it has a number), names this client as its sender, and writes it.
  /// Waits while the socket is full, and reads meanwhile. Returns the message's id.
  /// `outcome_unknown`: the link was lost, but the message had been handed to it whole.
  /// `unavailable`: it had not, so it surely was not done. `overloaded`: so many requests wait for
  /// their replies, or replies to be received, that there is no room for one more.
  virtual result<message_id> send(envelope message, std::chrono::milliseconds at_most) = 0;

  /// The next message for this client; nothing when time ran out; `unavailable` when the link is
  /// lost; `cancelled` when `interrupt_fd` became readable.
  virtual result<std::optional<envelope>> receive(std::chrono::milliseconds at_most) = 0;

  /// `send`, then waits for the reply with that id; pieces and other events go to `others`. A link
  /// that is lost meanwhile is `outcome_unknown`, unless the request changes nothing.
  virtual result<envelope> request(envelope message, std::chrono::milliseconds at_most,
                                   const std::function<void(envelope&)>& others = {});
};

/// Whether it matters that a request of that kind was done, or done twice. Questions and blobs may
/// be asked and stored again as often as one likes.
bool has_effect(payload_kind request);

/// The words of `outcome_unknown`: what happened, and what to do.
failure may_have_been_done(const std::string& why);

} // namespace troupe
