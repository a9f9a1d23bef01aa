#pragma once

#include "messages/ids.hpp"
#include "messages/runs.pb.h"
#include "nodes/cli/find_cluster.hpp"
#include "nodes/cli/run_pursuit.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What people are told of a run while they follow it.
namespace troupe::cli {

/// "run ID on node-1, durable (sync)".
std::string accepted_text(const RunAccepted& accepted, const std::string& node_name);

/// "troupe runs attach ID", with the flags that lead to the same cluster.
std::string attach_command(run_id run, const cluster_flags& flags);

/// The question after Ctrl-C.
std::string leave_question();

/// What was typed in answer to it; nothing if that is neither.
std::optional<run_pursuit::person_says> read_answer(std::string_view line);

/// "possibly paid twice: 2 calls"; empty if there are none.
std::string paid_twice_text(std::uint64_t calls);

} // namespace troupe::cli
