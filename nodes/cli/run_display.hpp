#pragma once

#include "nodes/cli/output.hpp"
#include "nodes/cli/output_file.hpp"
#include "nodes/cli/run_watch.hpp"

#include <optional>
#include <string>

/// The ends of all commands that follow a run: `run`, `runs attach`, `runs retry`.
namespace troupe::cli {

struct run_display {
  bool as_json = false;
  std::string output;         ///< the file of --output; empty: standard output
  json more = json::object(); ///< further fields of the JSON
};

/// The file of --output, if one was given; it can be written.
cli_result<std::optional<output_file>> prepare_output(const std::string& path);

/// Prints what came of a run, or its id if the command was not to wait for more. Returns the exit
/// code.
int show_run(const run_outcome& outcome, const run_display& how, trace_id trace,
             const std::optional<output_file>& output);

/// Why the command's span is marked as failed; nothing if it is not.
std::optional<cli_error> why_failed(const cli_result<run_outcome>& outcome);

} // namespace troupe::cli
