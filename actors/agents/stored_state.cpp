#include "actors/agents/stored_state.hpp"

#include "config/limits/work.hpp"

#include <utility>

namespace troupe {

std::unique_ptr<mind> stored_state::mind_of(const role& kind) const {
  auto made = kind.make();
  if (!state_.empty())
    made->restore(state_);
  return made;
}

result<std::unique_ptr<mind>> stored_state::take(const role& kind, const Snapshot* found) {
  auto made = kind.make();
  state_.clear();
  version_ = 0;
  if (!found)
    return made;
  if (found->role() != kind.info.name())
    return fail(ec::storage_failed, "it is the state of a role called \"" + found->role() + "\"");
  if (!made->restore(found->state()))
    return fail(ec::storage_failed, "its bytes are damaged");
  state_ = found->state();
  version_ = found->version();
  return made;
}

result<std::optional<SnapshotPut>> stored_state::change_to(const mind& now, const role& kind,
                                                           const name& agent) {
  auto state = now.snapshot();
  if (state == state_)
    return std::optional<SnapshotPut>{};
  if (state.size() > limits::agent_state_bytes_max)
    return fail(ec::too_large, "would keep " + std::to_string(state.size())
                                   + " bytes, more than the "
                                   + std::to_string(limits::agent_state_bytes_max)
                                   + " that an agent may; nothing was kept");
  SnapshotPut put;
  put.set_agent(std::string{agent.text()});
  auto& snapshot = *put.mutable_snapshot();
  snapshot.set_role(kind.info.name());
  snapshot.set_state(state);
  snapshot.set_version(version_ + 1);
  for (auto& hash : now.blobs_named())
    put.add_blobs(std::move(hash));
  next_ = std::move(state);
  return std::optional{std::move(put)};
}

void stored_state::is_written() {
  state_ = std::exchange(next_, {});
  ++version_;
}

} // namespace troupe
