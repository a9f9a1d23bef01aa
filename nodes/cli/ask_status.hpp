#pragma once

#include "messages/cluster.pb.h"
#include "nodes/cli/output.hpp"
#include "nodes/client.hpp"

#include <chrono>
#include <string>

namespace troupe::cli {

/// The status of the whole cluster, as the attached node's desk gathers it.
result<ClusterStatus> ask_status(client& link, std::chrono::milliseconds at_most);

/// {"cluster": ..., "nodes": [{"id", "state", "pid", ...}]}
json status_json(const ClusterStatus& status);

/// A table of nodes, one of their roles, and a line for each run.
std::string status_text(const ClusterStatus& status, bool colours);

} // namespace troupe::cli
