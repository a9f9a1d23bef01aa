#pragma once

#include "actors/logic.hpp"
#include "messages/agents.pb.h"
#include "persistence/state_store.hpp"

#include <functional>
#include <memory>

namespace troupe {

/// service::state: the snapshots of this node's agents. One step at a time blocks on the disk, so
/// its actor has a thread of its own.
///
///  - SnapshotGet -> SnapshotFound
///  - SnapshotPut -> SnapshotWritten, once it is on disk; `storage_failed` if it is not. Repeating
///    is safe. service::blobs is told of blobs that the agent no longer names (BlobsHeld), and then
///    checks when they may go.
///  - BlobsNamed -> BlobsNamed: the blobs that any agent names, active or not.
///
/// Invalid names are `invalid_argument`; states beyond `limits::agent_state_bytes_max` are
/// `too_large`. Both are requests; events are dropped with a log line.
class state_logic final : public logic {
public:
  /// `disk_failed` is called when the state of the disk is no longer known. In a node it does not
  /// return.
  explicit state_logic(std::unique_ptr<state_store> store,
                       std::function<void(const failure&)> disk_failed = {})
      : store_(std::move(store)), disk_failed_(std::move(disk_failed)) {}

  void start(step_context&, const address& self) override { self_ = self; }
  void step(step_context& context, event input) override;

private:
  envelope get(step_context& context, const envelope& request, const SnapshotGet& wanted);
  envelope put(step_context& context, const envelope& request, const SnapshotPut& given);

  envelope named(step_context& context, const envelope& request, const BlobsNamed& asked);

  std::unique_ptr<state_store> store_;
  std::function<void(const failure&)> disk_failed_;
  address self_;
};

} // namespace troupe
