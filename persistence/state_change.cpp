#include "persistence/state_change.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// Its session comes last, because it was used last.
void add(const SessionReplies& replied, Snapshot& to) {
  auto& sessions = *to.mutable_sessions();
  auto is_same = [&](const SessionReplies& one) { return one.session() == replied.session(); };
  auto found = std::find_if(sessions.begin(), sessions.end(), is_same);
  SessionReplies known;
  if (found != sessions.end()) {
    known = std::move(*found);
    sessions.erase(found);
  }
  known.set_session(replied.session());
  known.set_floor(std::max(known.floor(), replied.floor()));
  known.set_acknowledged(std::max(known.acknowledged(), replied.acknowledged()));
  known.mutable_replies()->MergeFrom(replied.replies());
  *sessions.Add() = std::move(known);
}

} // namespace

bool apply(const StateChange& change, Snapshot& to) {
  auto& state = *to.mutable_state();
  if (change.version() != to.version() + 1 || change.offset() > state.size()
      || change.removed() > state.size() - change.offset())
    return false;
  state.replace(change.offset(), change.removed(), change.inserted());
  to.set_version(change.version());
  if (change.has_replied())
    add(change.replied(), to);
  return true;
}

} // namespace troupe
