#pragma once

#include "messages/envelope.hpp"

#include <filesystem>
#include <optional>
#include <string>

/// The trace of a command. The last one is remembered, so that `troupe trace last` shows what this
/// user did last and not another user.
namespace troupe::cli {

/// The trace context for everything that a command causes. It is that of `traceparent` (the
/// variable TRACEPARENT) if it is valid, or else a new trace whose first span is the root. The node
/// that the command talks to decides whether a new trace is sampled (telemetry.sample_ratio).
trace_context new_trace(const char* traceparent);

/// Records the trace in $XDG_STATE_HOME/troupe/last-trace as the last one on the cluster of that
/// folder. If this fails, the command still succeeds.
void remember_trace(const std::filesystem::path& data, trace_id trace);

std::optional<trace_id> last_trace(const std::filesystem::path& data);

} // namespace troupe::cli
