#pragma once

#include "config/config.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/output.hpp"

namespace troupe::cli {

/// The configuration from file, environment and flags. All commands read it this way.
cli_result<node_config> load_settings(const std::string& file, const settings& set);

} // namespace troupe::cli
