#pragma once

#include "messages/runs.pb.h"
#include "nodes/cli/output.hpp"
#include "nodes/cli/run_watch.hpp"

#include <string>

namespace troupe::cli {

/// The result for a person: text as it is, anything else as JSON.
std::string result_text(const RunEnded& ended);

/// {"run", "trace_id", "ok", "result", "tasks": [...], "duration_ms"}, and "error" if it failed.
json run_json(const run_outcome& outcome, trace_id trace);

/// For standard error: which tasks failed and why, or how many tasks were done, where and how fast.
std::string run_summary(const run_outcome& outcome);

} // namespace troupe::cli
