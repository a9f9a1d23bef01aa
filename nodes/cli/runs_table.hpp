#pragma once

#include "nodes/cli/gathered_runs.hpp"
#include "nodes/cli/output.hpp"
#include "nodes/cli/run_watch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Durable runs as tables and as JSON. Moments are milliseconds since 1970; `now_ms` is the
/// reader's clock, which may differ from the owner's.
namespace troupe::cli {

/// "running", "succeeded", "failed", "cancelled".
std::string_view to_string(RunPhase phase);
std::optional<RunPhase> phase_named(std::string_view word);

/// A line for each run, with as much of its id as tells it from the others.
std::string runs_text(const gathered_runs& found, std::int64_t now_ms, bool colours);

/// What the list lacks, a line each; empty if it is whole.
std::string missing_text(const gathered_runs& found);

/// {"run", "graph", "state", "done", "total", ...}
json summary_json(const owned_run& run);
/// {"runs": [...], "more", "unanswered": [{"node", "why"}]}
json runs_json(const gathered_runs& found);

/// One run and its tasks. Of `outcome`, the end and the names of nodes are looked at.
std::string shown_text(const owned_run& run, const run_outcome& outcome, std::int64_t now_ms,
                       bool colours);
json shown_json(const owned_run& run, const run_outcome& outcome);

} // namespace troupe::cli
