#pragma once

namespace troupe::cli {

/// The `troupe` command: reads the command line, runs the command, returns the exit code.
int run_command_line(int argc, const char* const* argv);

} // namespace troupe::cli
