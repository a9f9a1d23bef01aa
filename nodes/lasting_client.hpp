#pragma once

#include "config/limits/links.hpp"
#include "nodes/client.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What a client that outlives its link needs to know.
struct lasting_options {
  /// Where it may attach, complete with cluster and secret; the one it is attached to first.
  std::vector<client_options> doors;
  int interrupt_fd = -1;                                          ///< ends a wait for the next try
  std::chrono::milliseconds time_max{limits::reconnect_time_max}; ///< of tries, after each loss
  /// A line for a person: the link was lost, it is there again. May be empty.
  std::function<void(const std::string&)> tell;
};

/// A client that comes back when its link is lost: to the same node or another, with its session,
/// and repeats what was not answered, with its number and the next attempt. The receiver knows
/// whether it was done (actors/agents/delivery.hpp), so it is done once and answered, or nobody
/// knows and the reply is `outcome_unknown`. `unavailable` is given only for what surely was not
/// done.
///
/// It tries for `limits::reconnect_time_max` after each loss, within the time that the caller
/// gives. A request that a node lost on its way (its Failure says `repeat`) is repeated over the
/// link that is there. A run is followed across links: its RunSubmit counts as unanswered until
/// RunEnded has come. Replies of agents are acknowledged, so that they need not be kept.
///
/// Takes over `first`, which is attached to the first of the doors. Not thread-safe.
std::unique_ptr<client> make_lasting(std::unique_ptr<client> first, lasting_options options);

} // namespace troupe
