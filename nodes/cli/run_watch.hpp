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

/// Submits a run to the attached node and follows it to its end. Ctrl-C and the end of the time
/// given cancel it; a second Ctrl-C does not wait for that.
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
  /// Waits for one message; fails when there is no use in waiting for more.
  cli_result<void> wait_once();
  cli_result<void> on_interrupt();
  cli_result<void> on_time_out();
  void on_message(envelope& message);
  /// What came of the submission when it was repeated over another link, and other last words.
  void on_failure(const failure& why);
  cli_error run_lost(const std::string& why) const;
  void cancel(int exit_code, CancelReason reason, const std::string& why);
  run_outcome outcome();

  attached_client& cluster_;
  interrupts& signals_;
  bool quiet_;
  progress_line line_;
  std::optional<clock::time_point> deadline_;
  trace_context trace_;
  node_id owner_; ///< the node that the run was submitted to, wherever this client is now
  std::string owner_name_;
  message_id submission_;
  std::string run_;               ///< its id, once accepted
  std::optional<cli_error> lost_; ///< nothing more can be heard of the run
  std::optional<RunEnded> ended_;
  std::optional<cli_error> cancelled_; ///< why we asked the run to stop
};

} // namespace troupe::cli
