#pragma once

#include "actors/logic.hpp"
#include "config/limits/storage.hpp"
#include "messages/agents.pb.h"
#include "messages/journal.pb.h"
#include "persistence/journal/journal_store.hpp"
#include "telemetry/metrics.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace troupe {

/// service::journal: the events of this node's durable runs. One step at a time blocks on the disk,
/// so its actor has a thread of its own.
///
///  - JournalAppend -> JournalWritten. What comes while the disk is busy is written together, in
///    its order, with one sync: then that and everything before it is on disk. If all of it is
///    `unsynced`, it is answered without a sync, which follows within twice
///    `limits::journal_unsynced_time`. `storage_failed`: nothing was written, because the disk is
///    full (for what `begins` runs: has less than `storage.free_min`); `invalid_argument`: an entry
///    does not follow what its run has (journal_store.hpp).
///  - JournalOpenAsked -> JournalOpen, JournalRead -> JournalRecords or `not_found`,
///    JournalEndedAsked -> RunsFound, JournalFind -> JournalRun: what was appended before is seen.
///  - JournalDelete -> RunDeleted, `not_found`, or `invalid_argument`: the run goes on.
///  - BlobsNamed -> BlobsNamed: those that the inputs of a run name, ended or not. service::blobs,
///    which asks, is told of those that no run names any more (BlobsHeld): their time runs again.
///
/// Runs that ended longer than the retention ago are forgotten, a bounded number in a step. Nothing
/// else here depends on the wall clock.
class journal_logic final : public logic {
public:
  struct options {
    std::chrono::nanoseconds retention = limits::journal_retention; ///< of runs that have ended
    std::uint64_t free_min = limits::storage_free_bytes_min;        ///< to begin a run
    /// Called when the state of the disk is no longer known (`outcome_unknown`), or when what is on
    /// it is damaged (`bad_message`). In a node it does not return.
    std::function<void(const failure&)> disk_failed;
  };

  journal_logic(std::unique_ptr<journal_store> store, metrics& counted, options given)
      : store_(std::move(store)), counted_(counted), options_(std::move(given)) {}

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  void settle(step_context& context) override { write_gathered(context); }
  void stop(step_context& context) override;

private:
  void append(step_context& context, envelope request);
  void write_gathered(step_context& context);
  void write(step_context& context, std::span<envelope> requests, journal_write how);
  void sync(step_context& context);
  void cut(step_context& context);
  void tell_released(step_context& context);
  void count_sync(step_context& context, instant began);
  /// Ends the node if the failure says so.
  failure judged(step_context& context, failure why);

  void answer(step_context& context, envelope& request);
  template <class Message>
  void reply(step_context& context, const envelope& request, result<Message> made);
  result<JournalOpen> open_runs();
  result<JournalRecords> read(const JournalRead& wanted);
  result<RunsFound> ended(const JournalEndedAsked& wanted);
  result<JournalRun> find(const JournalFind& wanted);
  result<RunDeleted> remove(const JournalDelete& wanted);
  result<BlobsNamed> named(const BlobsNamed& asked);

  std::chrono::nanoseconds cut_every() const;

  std::unique_ptr<journal_store> store_;
  metrics& counted_;
  options options_;
  address self_;
  std::vector<envelope> gathered_; ///< each a JournalAppend
  std::size_t gathered_bytes_ = 0;
  bool unsynced_ = false; ///< something was written without a sync, and the timer for it runs
};

} // namespace troupe
