#pragma once

#include "actors/coordination/run_table.hpp"
#include "actors/logic.hpp"

#include <cstdint>
#include <vector>

namespace troupe {

/// Tells submitters that wish it how their runs get on (RunProgress): at most once every
/// `limits::run_progress_interval`, however much happens, and once more at the end.
class run_progress {
public:
  /// `nodes` outlives it. `timer` calls for `send_all`.
  run_progress(const placement& nodes, std::uint32_t timer) : nodes_(nodes), timer_(timer) {}

  void start(const address& self) { self_ = self; }
  /// Something has happened to a task of the run (none: to the run) on a node (none: on no node).
  void note(step_context& context, active_run& run, std::uint32_t task, placement::node_index node);
  /// The timer has fired: tells of each run that has news.
  void send_all(step_context& context, const run_table& runs);
  /// Tells of this run now, if its submitter wishes to hear of progress.
  void send(step_context& context, active_run& run) const;

private:
  const placement& nodes_;
  std::uint32_t timer_;
  address self_;
  std::vector<run_id> with_news_;
  bool armed_ = false;
};

} // namespace troupe
