#pragma once

#include "actors/coordination/active_run.hpp"
#include "actors/coordination/gathered_steps.hpp"
#include "actors/coordination/run_fold.hpp"
#include "messages/journal.pb.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace troupe {

/// Reads the events of one run from the journal, page by page, into the run as it was.
class run_reader {
public:
  /// What is kept beside the run.
  enum class keeps : std::uint8_t {
    nothing,
    results, ///< the events of tasks that succeeded, to repeat the run with them, and its end
    steps,   ///< of all tasks, to show them
  };
  run_reader(run_id id, node_id self, keeps what, std::uint32_t steps_from_task = 0)
      : steps(steps_from_task), id_(id), self_(self), keeps_(what) {}

  run_id id() const noexcept { return id_; }
  /// The next inquiry to service::journal.
  JournalRead next() const;
  /// True: that was all. An error: these are not the events of a run.
  result<bool> take(JournalRecords& page);

  std::unique_ptr<active_run> run; ///< null until the first page
  RunEvent began;                  ///< the first event, if results are kept
  RunSummary summary;              ///< what the first event says, also if no run can be made of it
  std::vector<earlier_result> results; ///< in the order in which they came
  gathered_steps steps;                ///< if they are kept
  RunEvent end; ///< with results or steps: the last event of a run that has ended

private:
  result<void> take(RunEvent event);
  result<void> take_with_results(RunEvent event);
  result<void> take_with_steps(RunEvent event);

  run_id id_;
  node_id self_;
  keeps keeps_;
  std::uint64_t next_ = 0;
};

} // namespace troupe
