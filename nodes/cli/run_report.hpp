#pragma once

#include "messages/runs.pb.h"
#include "nodes/cli/output.hpp"
#include "nodes/cli/run_watch.hpp"

#include <string>

namespace troupe::cli {

/// The result for a person: text as it is, anything else as JSON.
std::string result_text(const RunEnded& ended);

/// {"run", "trace_id", "durability", "known", "owner"}: of a run that was accepted.
json accepted_json(const run_outcome& outcome, trace_id trace);

/// The same with "ok", "result", "tasks": [...], "duration_ms", and "error" if it failed.
json run_json(const run_outcome& outcome, trace_id trace);

/// "ok", "result", "tasks" and the rest that is known of the run itself.
json ended_json(const run_outcome& outcome);

/// For standard error: which tasks failed and why, or how many tasks were done, where and how fast.
std::string run_summary(const run_outcome& outcome);

} // namespace troupe::cli
