#pragma once

#include "actors/logic.hpp"
#include "config/limits/storage.hpp"
#include "messages/agents.pb.h"
#include "persistence/state_store.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace troupe {

/// service::state: the snapshots of this node's agents. One step at a time blocks on the disk, so
/// its actor has a thread of its own.
///
///  - SnapshotGet -> SnapshotFound
///  - SnapshotPut -> SnapshotWritten, once it is on disk; `storage_failed` if it is not, or if the
///    state has grown and the disk has less than `storage.free_min`. It has the whole snapshot, or
///    only a change of the one that is there. What comes while the disk is busy is written
///    together, with one sync; a SnapshotGet in between waits for no write but its own agent's.
///    service::blobs is told of blobs that the agent no longer names (BlobsHeld), and then checks
///    when they may go.
///  - StepsMade -> StepsKept: the same for steps of a message that is not done. They lie beside the
///    state, SnapshotFound has them, and they go with a SnapshotPut or StepsMade that names their
///    message as settled. The work that they belong to was accepted before, so `storage.free_min`
///    does not count.
///  - BlobsNamed -> BlobsNamed: the blobs that any agent names, active or not.
///
/// Invalid names are `invalid_argument`; states beyond `limits::agent_state_bytes_max` and steps
/// beyond `limits::open_messages_bytes_max` are `too_large`. All are requests; events are dropped
/// with a log line.
class state_logic final : public logic {
public:
  /// `disk_failed` is called when the state of the disk is no longer known. In a node it does not
  /// return. `free_min`: bytes that are free on the disk while states may grow.
  explicit state_logic(std::unique_ptr<state_store> store,
                       std::function<void(const failure&)> disk_failed = {},
                       std::uint64_t free_min = limits::storage_free_bytes_min)
      : store_(std::move(store)), disk_failed_(std::move(disk_failed)), free_min_(free_min) {}

  void start(step_context&, const address& self) override { self_ = self; }
  void step(step_context& context, event input) override;
  void settle(step_context& context) override { write_gathered(context); }
  void stop(step_context& context) override { write_gathered(context); }

private:
  envelope get(step_context& context, const envelope& request, const SnapshotGet& wanted);
  void put(step_context& context, envelope request);
  void put_steps(step_context& context, envelope request);
  void gather(step_context& context, envelope request, std::size_t bytes);
  bool is_gathered(std::string_view agent, bool with_steps = true);
  void write_gathered(step_context& context);
  void refuse_growth(step_context& context, std::vector<envelope>& requests);
  bool grows(const SnapshotPut& given);
  void write(step_context& context, std::span<envelope> requests);
  envelope named(step_context& context, const envelope& request, const BlobsNamed& asked);

  std::unique_ptr<state_store> store_;
  std::function<void(const failure&)> disk_failed_;
  std::uint64_t free_min_;
  address self_;
  /// Each a SnapshotPut, of different agents, or a StepsMade of another agent than these.
  std::vector<envelope> gathered_;
  std::size_t gathered_bytes_ = 0;
};

} // namespace troupe
