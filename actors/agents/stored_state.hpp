#pragma once

#include "actors/agents/mind.hpp"
#include "actors/agents/role.hpp"
#include "messages/agents.pb.h"
#include "messages/name.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace troupe {

/// The state of a durable agent as it is on disk: the bytes that its mind is made from after a
/// restart, and their version. Whoever works on a message changes the mind, not this; it follows
/// once service::state has written. A message that fails takes the mind back to it.
class stored_state {
public:
  std::uint64_t version() const noexcept { return version_; }
  std::size_t bytes() const noexcept { return state_.size(); }

  /// The mind as it was when the state was written.
  std::unique_ptr<mind> mind_of(const role& kind) const;

  /// What service::state has found; null: the agent is new. `storage_failed`: the state belongs to
  /// another role or is damaged.
  result<std::unique_ptr<mind>> take(const role& kind, const Snapshot* found);

  /// What has to be written to keep the mind as it is now; nothing if it is as on disk.
  /// `too_large`: beyond `agent_state_bytes_max`. The message is for people and follows the agent's
  /// name.
  result<std::optional<SnapshotPut>> change_to(const mind& now, const role& kind,
                                               const name& agent);
  /// The last change is on disk.
  void is_written();

private:
  std::string state_;
  std::string next_; ///< on its way to the disk
  std::uint64_t version_ = 0;
};

} // namespace troupe
