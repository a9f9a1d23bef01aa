#include "actors/agents/stored_state.hpp"

#include "actors/agents/state_difference.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace troupe {

namespace {

std::vector<std::string> blobs_of(const mind& now) {
  auto named = now.blobs_named();
  std::sort(named.begin(), named.end());
  named.erase(std::unique(named.begin(), named.end()), named.end());
  return named;
}

void add_without(google::protobuf::RepeatedPtrField<std::string>& into,
                 const std::vector<std::string>& from, const std::vector<std::string>& others) {
  std::vector<std::string> rest;
  std::set_difference(from.begin(), from.end(), others.begin(), others.end(),
                      std::back_inserter(rest));
  for (auto& one : rest)
    *into.Add() = std::move(one);
}

} // namespace

std::unique_ptr<mind> stored_state::mind_of(const role& kind) const {
  auto made = kind.make();
  if (!now_.state.empty())
    made->restore(now_.state);
  return made;
}

result<std::unique_ptr<mind>> stored_state::take(const role& kind, const Snapshot* found) {
  auto made = kind.make();
  now_ = {};
  version_ = 0;
  if (!found)
    return made;
  if (found->role() != kind.info.name())
    return fail(ec::storage_failed, "it is the state of a role called \"" + found->role() + "\"");
  if (!made->restore(found->state()))
    return fail(ec::storage_failed, "its bytes are damaged");
  now_.state = found->state();
  now_.blobs = blobs_of(*made);
  version_ = found->version();
  return made;
}

result<std::optional<SnapshotPut>> stored_state::change_to(const mind& now, const role& kind,
                                                           const name& agent,
                                                           std::optional<SessionReplies> replied,
                                                           std::size_t replies_bytes) {
  image next{now.snapshot(), {}, 0};
  if (next.state == now_.state && !replied)
    return std::optional<SnapshotPut>{};
  if (next.state.size() > limits::agent_state_bytes_max)
    return fail(ec::too_large, "would keep " + std::to_string(next.state.size())
                                   + " bytes, more than the "
                                   + std::to_string(limits::agent_state_bytes_max)
                                   + " that an agent may; nothing was kept");
  next.blobs = blobs_of(now);
  SnapshotPut put;
  put.set_agent(std::string{agent.text()});
  if (auto change = small_change(next, replied, replies_bytes)) {
    next.change_bytes = now_.change_bytes + change->ByteSizeLong();
    *put.mutable_change() = *std::move(change);
  } else {
    auto& snapshot = *put.mutable_snapshot();
    snapshot.set_role(kind.info.name());
    snapshot.set_state(next.state);
    snapshot.set_version(version_ + 1);
    for (const auto& hash : next.blobs)
      put.add_blobs(hash);
  }
  next_ = std::move(next);
  return std::optional{std::move(put)};
}

/// Nothing if it is better written whole.
std::optional<StateChange> stored_state::small_change(const image& next,
                                                      std::optional<SessionReplies>& replied,
                                                      std::size_t replies_bytes) const {
  auto whole = next.state.size() + replies_bytes;
  if (version_ == 0 || whole <= limits::state_whole_bytes_max
      || (version_ + 1) % limits::state_changes_max == 0)
    return std::nullopt;
  auto change = difference(now_.state, next.state);
  change.set_version(version_ + 1);
  add_without(*change.mutable_blobs_named(), next.blobs, now_.blobs);
  add_without(*change.mutable_blobs_forgotten(), now_.blobs, next.blobs);
  if (replied)
    *change.mutable_replied() = *std::move(replied);
  auto bytes = change.ByteSizeLong();
  if (2 * bytes > whole || now_.change_bytes + bytes > limits::state_changes_bytes_max)
    return std::nullopt;
  return change;
}

void stored_state::is_written() {
  now_ = std::exchange(next_, {});
  ++version_;
}

} // namespace troupe
