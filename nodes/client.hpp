#pragma once

#include "messages/cluster.pb.h"
#include "messages/envelope.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

struct client_options {
  std::string peer;                ///< HOST:PORT of a node's links; messages name the node by it
  std::filesystem::path folder{};  ///< a node's data folder: connect to its socket, not to `peer`
  std::string cluster = "default"; ///< must be the node's own
  std::string secret{};            ///< 64 hex digits
  node_id wanted{};                ///< the node that must answer; zero: any node of the cluster
  session_id session{};            ///< of a client that reconnects; zero: a new random one
  std::chrono::milliseconds connect_timeout{1'500};
  int interrupt_fd = -1; ///< readable: `receive` returns `cancelled` at once
};

/// A request that a node had, or may have had, when it was lost, and that was repeated to another.
struct lost_request {
  message_id id;
  span_id door; ///< of the span at that node's door
  std::string node_name;
};

/// A client's single link. It attaches to a node, which relays. It needs one thread and no actor
/// system: it runs the same pure link protocol as the nodes (actors/cluster/link_logic.hpp) over a
/// socket. Not thread-safe.
class client {
public:
  /// `unavailable`: nobody listens there. `refused`: another cluster, secret, version or node.
  static result<std::unique_ptr<client>> connect(const client_options& options);
  virtual ~client() = default;

  /// What the node said about itself and the cluster's members.
  virtual const Welcome& welcome() const = 0;

  /// Where replies arrive: the sender of every message that this client sends.
  virtual address self() const = 0;

  /// Numbers the message, unless it has a number, as a `cancel` has that of its request; names this
  /// client as its sender, and writes it. While the socket is full it waits and reads. Returns the
  /// id. `outcome_unknown`: the link was lost after it had taken the whole message. `unavailable`:
  /// it was lost before, so the message was certainly not handled. `overloaded`: too many requests
  /// wait for replies, or too many replies wait to be received.
  virtual result<message_id> send(envelope message, std::chrono::milliseconds at_most) = 0;

  /// Returns the next message for this client, or nothing when the time is over. `unavailable`: the
  /// link is lost. `cancelled`: `interrupt_fd` became readable.
  virtual result<std::optional<envelope>> receive(std::chrono::milliseconds at_most) = 0;

  /// Serves the link without waiting, and takes nothing from it: what has come is received later.
  /// For a client that is busy for long with what it has received: nodes end the connections of
  /// clients that are silent. A link that is lost is noticed by the next call.
  virtual void attend() = 0;

  /// Sends the message, then waits for the reply with its id; pieces and other events go to
  /// `others`. A piece is taken when `others` returns: as long as it does not, the answer is not
  /// made much further (messages/piece_window.hpp). If the link is lost meanwhile, the result is
  /// `outcome_unknown`, unless the request changes nothing.
  virtual result<envelope> request(envelope message, std::chrono::milliseconds at_most,
                                   const std::function<void(envelope&)>& others = {});

  /// The number of the last `request` that was sent, for who takes it back (`make_cancel`). Its
  /// reply still comes.
  message_id last_asked() const noexcept { return asked_; }

  /// How often it came back after its link was lost: what was told meanwhile is missed.
  virtual std::uint32_t returns() const noexcept { return 0; }

  /// Of all requests so far.
  virtual std::vector<lost_request> lost_requests() const { return {}; }

private:
  message_id asked_{};
};

/// Whether a request of this kind changes something, so that it must not be done twice. Questions
/// may be asked and blobs may be stored any number of times.
bool has_effect(payload_kind request);

/// The failure `outcome_unknown`, with what happened and what to do.
failure may_have_been_done(const std::string& why);

} // namespace troupe
