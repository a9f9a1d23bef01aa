#pragma once

#include "messages/cluster.pb.h"
#include "messages/envelope.hpp"
#include "messages/spans.pb.h"

#include <cstdint>
#include <vector>

namespace troupe::cli {

/// One line of a trace as people read it: parents before children, and children in the order in
/// which they began.
struct trace_row {
  const SpanData* span = nullptr; ///< owned by the TraceFound
  std::uint32_t depth = 0;
  bool orphan = false; ///< its parent is missing: it was dropped, or its node did not answer
};

/// Every span once, whatever the parents are: a loop of parents is cut, and its first span becomes
/// an orphan.
std::vector<trace_row> order_trace(const TraceFound& found);

} // namespace troupe::cli
