#pragma once

#include "messages/runs.pb.h"
#include "nodes/cli/command_trace.hpp"
#include "nodes/cli/find_cluster.hpp"
#include "nodes/cli/interrupts.hpp"
#include "nodes/cli/progress_line.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace troupe::cli {

/// How a run ended, and what `troupe` returns for it.
struct run_outcome {
  RunEnded ended;
  int exit_code = 0;
  std::string why;                               ///< empty if it succeeded
  std::map<std::string, std::string> node_names; ///< by id (16 bytes)
};

/// Submits a run to the attached node and follows it to its end. Ctrl-C or the timeout cancels it.
/// A second Ctrl-C does not wait for the cancelled run to end.
class run_watch {
public:
  run_watch(attached_client& cluster, interrupts& signals, std::chrono::milliseconds timeout,
            bool quiet);

  /// A span of `trace` tells how long it took, also if it fails.
  cli_result<run_outcome> run(RunSubmit submit, command_trace& trace);

private:
  using clock = std::chrono::steady_clock;

  cli_result<run_outcome> follow(RunSubmit submit, command_trace& trace);
  cli_result<void> submit(RunSubmit submit, command_trace& trace);
  envelope request_to_owner(payload body) const;
  /// Waits for one message. Fails when it makes no sense to wait for more.
  cli_result<void> wait_once();
  cli_result<void> on_interrupt();
  cli_result<void> on_time_out();
  void on_message(envelope& message);
  /// The submission failed, for example when it was repeated over another link.
  void on_failure(const failure& why);
  cli_error run_lost(const failure& why) const;
  void write_lost_run(command_trace& trace, const cli_error& why);
  void cancel(int exit_code, CancelReason reason, const std::string& why);
  run_outcome outcome();

  attached_client& cluster_;
  interrupts& signals_;
  bool quiet_;
  progress_line line_;
  std::optional<clock::time_point> deadline_;
  trace_context trace_;
  node_id owner_; ///< the node that owns the run; this client may be attached to another now
  std::string owner_name_;
  message_id submission_;
  std::string run_;   ///< its id, once accepted
  std::string graph_; ///< of the run
  RunProgress told_;  ///< what was told of it last
  span_id run_span_;  ///< that its owner will write; zero: none
  instant accepted_{};
  std::optional<cli_error> lost_; ///< nothing more can be heard of the run
  std::optional<RunEnded> ended_;
  std::optional<cli_error> cancelled_; ///< why we asked the run to stop
};

} // namespace troupe::cli
