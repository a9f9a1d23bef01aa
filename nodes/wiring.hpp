#pragma once

#include "actors/agents/role.hpp"
#include "actors/cluster/member_view.hpp"
#include "actors/coordination/desk_logic.hpp"
#include "actors/supervision/child_spec.hpp"
#include "config/config.hpp"
#include "messages/cluster.pb.h"
#include "persistence/blob_store.hpp"
#include "persistence/state_store.hpp"
#include "telemetry/metrics.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace troupe {

/// What a node's logics are given by whoever hosts them: a process with real disks and clocks, or
/// the simulator. Everything here outlives the logics.
struct node_parts {
  NodeInfo self;
  std::vector<NodeInfo> others;
  node_config cfg;
  role_table roles;
  metrics& counted;
  const trace_source& traces;
  std::function<std::unique_ptr<state_store>()> open_states; ///< throws when it cannot be had
  std::function<std::unique_ptr<blob_store>()> open_blobs;
  std::function<void(std::shared_ptr<const member_view>)> publish;
  std::function<std::shared_ptr<const member_view>()> published; ///< the last one, or an empty one
  std::function<std::vector<LinkOpened>()> links; ///< that are there; empty when simulated
  std::function<NodeStatus()> process_figures; ///< pid, memory and the like; empty when simulated
  std::function<instant()> clock; ///< to measure work within one step; empty: it takes no time
  /// From a thread that is no logic's; empty when simulated: then no such thread is made.
  std::function<void(envelope)> send = {};
  /// Nothing is known of the disk any more: ends the process at once. Empty when simulated.
  std::function<void(const failure&)> disk_failed = {};
  /// Much was freed: gives memory back to the system, on another thread. Empty when simulated.
  std::function<void()> give_back_memory = {};
};

/// The one place that says which logics make up a node, under which service names, in which order
/// they are started, and who supervises whom. A simulator with a composition of its own would test
/// another product.
child_spec wire(const node_parts& parts);

} // namespace troupe
