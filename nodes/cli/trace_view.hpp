#pragma once

#include "messages/cluster.pb.h"
#include "messages/envelope.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe::cli {

struct trace_view_options {
  std::size_t width = 100; ///< columns; less than 40 counts as 40
  bool colour = false;
};

/// The waterfall of a trace for a terminal: a header, then a line per span with its name (indented
/// below its parent), node, bar on the time axis, duration and notes. No line is wider than
/// `width`. Spans whose parent is missing are at the top level, marked with `?`. Nothing in a span
/// can control the terminal.
std::string render_trace(const TraceFound& found, const trace_view_options& options);

/// The same as one JSON object without a line feed: {"trace_id","silent":[names],"spans":[...]},
/// each span with span_id, parent_span_id ("" for a root), name, kind, node, node_name, start_ns,
/// end_ns, attributes{}, events[], links[], status ("ok" or "error") and status_message.
std::string trace_json(const TraceFound& found);

/// "812 ns", "12.3 µs", "4.56 ms", "1.24 s", "2m 5s"
std::string duration_text(std::int64_t ns);

} // namespace troupe::cli
