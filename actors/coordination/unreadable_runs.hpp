#pragma once

#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "messages/runs.pb.h"

#include <map>

namespace troupe {

/// Runs without an end that their owner cannot go on with: it cannot read what its journal has of
/// them, or cannot make a run of it. A later version may have written it. They stay in the journal
/// as they are; people are told of them, and may repeat or forget them.
class unreadable_runs {
public:
  /// What is told of a run: as much as could be read, and why it is not gone on with.
  static RunSummary summary(RunSummary read, run_id run, const failure& why);

  /// False: there are too many; people are not told of it.
  bool add(RunSummary run);
  void forget(run_id run) { runs_.erase(run); }
  /// Null: it is none of them.
  const RunSummary* find(run_id run) const;
  bool empty() const noexcept { return runs_.empty(); }
  const std::map<run_id, RunSummary>& all() const noexcept { return runs_; }

private:
  std::map<run_id, RunSummary> runs_;
};

} // namespace troupe
