#pragma once

#include "actors/coordination/active_run.hpp"
#include "messages/journal.pb.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace troupe {

/// Reads the events of one run from the journal, page by page, into the run as it was.
class run_reader {
public:
  /// `keep_results`: also the events of tasks that succeeded, to repeat the run with them.
  run_reader(run_id id, node_id self, bool keep_results)
      : id_(id), self_(self), keep_results_(keep_results) {}

  run_id id() const noexcept { return id_; }
  /// The next inquiry to service::journal.
  JournalRead next() const;
  /// True: that was all. An error: these are not the events of a run.
  result<bool> take(JournalRecords& page);

  std::unique_ptr<active_run> run; ///< null until the first page
  RunEvent began;                  ///< the first event, if results are kept
  std::vector<RunEvent> results;   ///< in the order in which they came

private:
  result<void> take(RunEvent event);

  run_id id_;
  node_id self_;
  bool keep_results_;
  std::uint64_t next_ = 0;
};

} // namespace troupe
