#pragma once

#include "messages/runs.pb.h"
#include "nodes/cli/attention.hpp"
#include "nodes/cli/command_trace.hpp"
#include "nodes/cli/find_cluster.hpp"
#include "nodes/cli/progress_line.hpp"
#include "nodes/cli/run_pursuit.hpp"

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
  RunAccepted accepted;
  std::string owner_name;
  bool detached = false; ///< it goes on; there is no end yet
};

struct run_watch_options {
  cluster_flags flags; ///< to come back to the cluster, also in commands that are told
  std::chrono::milliseconds timeout{0}; ///< then the run is cancelled; zero: never
  bool quiet = false;                   ///< tells nothing meanwhile
  bool detach = false;                  ///< ends once the run is accepted
  bool is_keyed = false;                ///< the same submission may be made again
};

/// A run's owner, and what is known of the run before it is accepted.
struct run_place {
  node_id owner;
  std::string owner_name;
  std::string graph;
};

/// Submits a run, or attaches to one, and follows it to its end, or until the client leaves it.
/// What is done when is decided by run_pursuit; here are the clock, the link and the person.
class run_watch {
public:
  run_watch(attached_client& cluster, attention& attends, run_watch_options options);

  /// `request`: a RunSubmit or a RunRetry. A span of `trace` tells how long it took, also if it
  /// fails.
  cli_result<run_outcome> submit(payload request, run_place place, command_trace& trace);
  cli_result<run_outcome> attach(run_id run, run_place place, command_trace& trace);

private:
  using clock = std::chrono::steady_clock;

  cli_result<run_outcome> follow(command_trace& trace, payload* request);
  cli_result<void> send_submission(payload request);
  cli_result<run_outcome> pursue(command_trace& trace);
  envelope request_to_owner(payload body) const;

  void wait_until(clock::time_point when, command_trace& trace);
  void take_lines();
  void on_trouble(const failure& why);
  void attach_again();
  result<void> come_back();
  void cancel();

  void on_message(envelope& message, command_trace& trace);
  void on_accepted(RunAccepted accepted);
  void tell_of_search();

  cli_result<run_outcome> detached();
  run_outcome outcome();

  // -- run_watch_ends.cpp
  std::string id() const;
  static std::string why_text(run_pursuit::reason why);
  cli_error left() const;
  cli_error abandoned() const;
  cli_error lost() const;
  cli_error run_lost(const failure& why) const;
  cli_error unanswered(const failure& why) const;
  cli_error no_owner_of_key(const failure& why) const;
  cli_error no_detach_error() const;
  void write_lost_run(command_trace& trace, const cli_error& why);

  attached_client& cluster_;
  attention& attends_;
  const run_watch_options options_;
  std::optional<run_pursuit> pursuit_;
  progress_line line_;
  trace_context trace_;
  run_place place_; ///< this client may be attached to another node than the owner
  bool submits_ = false;
  std::optional<message_id> submission_, attachment_;
  bool link_lost_ = false;    ///< no node could be reached any more
  std::uint32_t returns_ = 0; ///< of the link, known to `pursuit_`
  bool told_of_search_ = false;
  std::string run_; ///< its id (16 bytes), once known
  RunAccepted accepted_;
  RunProgress told_; ///< what was told of it last
  instant accepted_at_{};
  std::optional<RunEnded> ended_;
};

} // namespace troupe::cli
