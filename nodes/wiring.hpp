#pragma once

#include "actors/agents/role.hpp"
#include "actors/cluster/member_view.hpp"
#include "actors/coordination/desk_logic.hpp"
#include "actors/llm/http_port.hpp"
#include "actors/supervision/child_spec.hpp"
#include "config/config.hpp"
#include "messages/cluster.pb.h"
#include "persistence/blob_store.hpp"
#include "persistence/journal/journal_store.hpp"
#include "persistence/state_store.hpp"
#include "telemetry/metrics.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace troupe {

/// What the host gives to a node's logics. The host is a process with real disks and clocks, or the
/// simulator. Everything here outlives the logics.
struct node_parts {
  NodeInfo self;
  std::vector<NodeInfo> others;
  node_config cfg;
  role_table roles;
  metrics& counted;
  const trace_source& traces;
  std::function<std::unique_ptr<state_store>()> open_states; ///< throws if it cannot be opened
  std::function<std::unique_ptr<blob_store>()> open_blobs;
  std::function<std::unique_ptr<journal_store>()> open_journal;
  std::function<void(std::shared_ptr<const member_view>)> publish;
  std::function<std::shared_ptr<const member_view>()> published; ///< the last view, or an empty one
  std::function<std::vector<LinkOpened>()> links; ///< the present links; empty when simulated
  std::function<NodeStatus()> process_figures; ///< pid, memory and the like; empty when simulated
  std::function<instant()> clock; ///< to measure work within one step; empty: work takes no time
  /// Sends from a thread outside all logics. Empty when simulated: then no such thread exists.
  std::function<void(envelope)> send = {};
  /// Ends the process at once, because the state of the disk is unknown (`outcome_unknown`), or
  /// because what is on it is damaged (`bad_message`).
  std::function<void(const failure&)> disk_failed = {};
  /// Call it after freeing much memory: another thread returns it to the system. Empty when
  /// simulated.
  std::function<void()> give_back_memory = {};
  /// The HTTP client. Null when simulated: then there is only the offline model.
  http_port* http = nullptr;
};

/// The only place that says which logics make up a node, under which service names, in which order
/// they start, and who supervises whom. A simulator with a different composition would test a
/// different product.
child_spec wire(const node_parts& parts);

} // namespace troupe
