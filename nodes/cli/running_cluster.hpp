#pragma once

#include "nodes/cli/output.hpp"
#include "nodes/supervision_file.hpp"

#include <filesystem>
#include <string>

/// What the process that supervises a cluster says of its nodes, in words.
namespace troupe::cli {

/// A line for each node that is not ready, and why: "node-1 is waited for, the next try is in 4.2
/// s: ...". Empty if all are well.
std::string troubles_text(const supervision& now, const std::string& hint);

/// {"phase": "waiting", "why": ..., "tries": ..., "next_try_in_ms": ...}
json supervision_json(const supervised_node& node);

/// `troupe up` where a cluster runs already: asks its process to start what does not run, waits for
/// what becomes of it, and says it. Exit code 0 if all nodes run.
int start_missing(const std::filesystem::path& data, const supervisor& running,
                  const std::string& hint, bool as_json);

} // namespace troupe::cli
