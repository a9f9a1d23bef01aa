#pragma once

#include "actors/coordination/active_run.hpp"
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

} // namespace troupe
