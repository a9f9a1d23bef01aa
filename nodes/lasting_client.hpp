#pragma once

#include "config/limits/links.hpp"
#include "nodes/client.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What a client needs to reconnect when its link is lost.
struct lasting_options {
  /// Where it may attach, with cluster and secret. The first one is where it is attached now.
  std::vector<client_options> doors;
  int interrupt_fd = -1; ///< readable: stop waiting for the next try
  /// How long it tries after each loss.
  std::chrono::milliseconds time_max{limits::reconnect_time_max};
  /// Gets a line for a person when the link is lost or restored. May be empty.
  std::function<void(const std::string&)> tell;
};

/// A client that reconnects when its link is lost, to the same node or another, with the same
/// session. It repeats each unanswered request with its number and the next attempt. The receiver
/// remembers what it has done (actors/agents/delivery.hpp), so each request is done once and
/// answered. If nobody knows whether it was done, the reply is `outcome_unknown`. `unavailable`
/// means that it was certainly not done.
///
/// It tries for `limits::reconnect_time_max` after each loss, within the time that the caller
/// gives. If a node lost a request on the way (its Failure says `repeat`), the request is repeated
/// over the present link. A run that is not durable is followed across links: its RunSubmit counts
/// as unanswered until RunEnded arrives. One that is durable needs no such care: who wants to see
/// its end asks for it again after each of the `returns`. Replies from agents are acknowledged, so
/// that agents need not keep them.
///
/// Takes over `first`, which is attached through the first of the doors. Not thread-safe.
std::unique_ptr<client> make_lasting(std::unique_ptr<client> first, lasting_options options);

} // namespace troupe
