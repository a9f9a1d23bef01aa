#pragma once

#include "config/config.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/output.hpp"

namespace troupe::cli {

/// The configuration of file, environment and flags, as all commands read it.
cli_result<node_config> load_settings(const std::string& file, const settings& set);

} // namespace troupe::cli
