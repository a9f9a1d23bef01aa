#pragma once

#include "actors/agents/mind.hpp"
#include "actors/agents/role.hpp"
#include "messages/agents.pb.h"
#include "messages/name.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// The state of a durable agent as it is on disk: the bytes that its mind is made from after a
/// restart, and their version. Whoever works on a message changes the mind, not this; it follows
/// once service::state has written. A message that fails takes the mind back to it.
///
/// A small state is written whole. Of a large one only what a message changes is written, until
/// `limits::state_changes_max` versions or `limits::state_changes_bytes_max` of changes have come
/// together: then it is written whole again.
class stored_state {
public:
  std::uint64_t version() const noexcept { return version_; }
  std::size_t bytes() const noexcept { return now_.state.size(); }

  /// The mind as it was when the state was written.
  std::unique_ptr<mind> mind_of(const role& kind) const;

  /// What service::state has found; null: the agent is new. `storage_failed`: the state belongs to
  /// another role or is damaged.
  result<std::unique_ptr<mind>> take(const role& kind, const Snapshot* found);

  /// What has to be written to keep the mind as it is now, and a reply if there is one; nothing if
  /// both are as on disk. If it is a snapshot, the caller adds all replies that are kept, about
  /// `replies_bytes`. `too_large`: beyond `agent_state_bytes_max`. The message is for people and
  /// follows the agent's name.
  result<std::optional<SnapshotPut>> change_to(const mind& now, const role& kind, const name& agent,
                                               std::optional<SessionReplies> replied = std::nullopt,
                                               std::size_t replies_bytes = 0);
  /// The last change is on disk.
  void is_written();

private:
  struct image {
    std::string state;
    std::vector<std::string> blobs; ///< that it names, in order
    std::size_t change_bytes = 0;   ///< since it was written whole, as far as this life knows
  };
  std::optional<StateChange> small_change(const image& next, std::optional<SessionReplies>& replied,
                                          std::size_t replies_bytes) const;

  image now_;
  image next_; ///< on its way to the disk
  std::uint64_t version_ = 0;
};

} // namespace troupe
