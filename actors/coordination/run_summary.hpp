#pragma once

#include "actors/coordination/active_run.hpp"
#include "messages/journal.pb.h"
#include "messages/runs.pb.h"

#include <chrono>
#include <cstdint>

namespace troupe {

/// Since 1970: what people are told of a moment.
inline std::int64_t milliseconds_of(instant at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}
/// A run as it stands in a list: of one that goes on. The caller says how it ended.
RunSummary summary_of(const active_run& run);
/// Says of the tasks that wait for another version what they wait for.
void tell_waits(const active_run& run, RunEnded& into);
/// What its beginning says of it, without its id.
RunSummary summary_of(const RunEvent::Began& began);

} // namespace troupe
