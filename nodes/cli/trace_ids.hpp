#pragma once

#include "messages/envelope.hpp"

#include <filesystem>
#include <optional>
#include <string>

/// The trace of a command, and the memory of the last one, so that `troupe trace last` shows what
/// this user did last and not somebody else.
namespace troupe::cli {

/// The context for all that a command causes: that of `traceparent` (the environment's TRACEPARENT)
/// if it is valid, else a new trace whose first span is the root; the node that the command talks
/// to decides whether it is sampled (telemetry.sample_ratio).
trace_context new_trace(const char* traceparent);

/// Notes the trace as the last one on the cluster of that folder, in
/// $XDG_STATE_HOME/troupe/last-trace. A command does not fail because this does.
void remember_trace(const std::filesystem::path& data, trace_id trace);

std::optional<trace_id> last_trace(const std::filesystem::path& data);

} // namespace troupe::cli
