#pragma once

#include "nodes/cli/output.hpp"
#include "nodes/supervision_file.hpp"

#include <filesystem>
#include <string>

/// What the process that supervises a cluster reports about its nodes, in words.
namespace troupe::cli {

/// A line for each node that is not ready, with the reason: "node-1 is down and restarts in 4.2 s:
/// ...". Empty if all nodes are ready.
std::string troubles_text(const supervision& now, const std::string& hint);

/// {"phase": "waiting", "why": ..., "tries": ..., "next_try_in_ms": ...}
json supervision_json(const supervised_node& node);

/// `troupe up` where a cluster already runs: asks its supervisor to start the nodes that do not
/// run, waits for the outcome and reports it. Returns the exit code 0 if all nodes run.
int start_missing(const std::filesystem::path& data, const supervisor& running,
                  const std::string& hint, bool as_json);

} // namespace troupe::cli
