#pragma once

#include "actors/coordination/run_state.hpp"
#include "messages/journal.pb.h"
#include "messages/runs.pb.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace troupe {

/// The steps of a run's tasks, for people, gathered from the events of the run. It keeps what a
/// step cost, not what came of it. Not more than about `limits::steps_listed_max` are kept, those
/// of the first tasks; the steps of one task are kept together.
class gathered_steps {
public:
  /// Without those of earlier tasks.
  explicit gathered_steps(std::uint32_t from_task) : from_task_(from_task) {}

  /// The next event, which the run has taken. `unknown`: it is a step that was begun again although
  /// nobody knows what came of it (run_fold).
  void note(const RunEvent& noted, bool unknown);
  /// `run`: after all events.
  void tell(RunShown& into, const run_state& run) const;

private:
  void step(std::uint32_t task, const StepRecord& step, bool unknown);
  void attempt_ended(std::uint32_t task, StepState left_open);
  void keep_few();

  std::uint32_t from_task_;
  std::map<std::uint32_t, std::vector<StepShown>> steps_; ///< by task, then by number
  std::size_t count_ = 0;
  std::uint32_t next_task_ = ~0u; ///< the first one that had no room
};

} // namespace troupe
