#pragma once

#include "actors/logic.hpp"
#include "messages/agents.pb.h"
#include "persistence/state_store.hpp"

#include <memory>

namespace troupe {

/// service::state: the snapshots of this node's agents. One step at a time blocks on the disk, so
/// its actor has a thread of its own.
///
///  - SnapshotGet -> SnapshotFound
///  - SnapshotPut -> SnapshotWritten, once it is on disk; `storage_failed` if it is not. Repeating
///  is safe.
///
/// Names that are none are `invalid_argument`, states beyond `limits::agent_state_bytes_max` are
/// `too_large`. Both are requests; events are dropped with a log line.
class state_logic final : public logic {
public:
  explicit state_logic(std::unique_ptr<state_store> store) : store_(std::move(store)) {}

  void step(step_context& context, event input) override;

private:
  envelope get(step_context& context, const envelope& request, const SnapshotGet& wanted);
  envelope put(step_context& context, const envelope& request, const SnapshotPut& given);

  std::unique_ptr<state_store> store_;
};

} // namespace troupe
