#pragma once

#include "actors/coordination/active_run.hpp"
#include "actors/coordination/kept_results.hpp"
#include "actors/coordination/run_fold.hpp"
#include "actors/coordination/run_journal.hpp"
#include "actors/coordination/run_submissions.hpp"
#include "actors/logic.hpp"
#include "messages/runs.pb.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace troupe {

/// Runs that have ended and whose submitters have not been told yet (RunEnded). The end of a large
/// run is put together over several steps, as the bytes of one message: first the result, then the
/// outcomes of the tasks. If no message can carry it, the run fails, and its submitter hears why.
class run_endings {
public:
  /// All outlive it. `kept` gets the runs that were told; `submissions` keeps the messages for
  /// repetitions; `journal` those of durable runs until their end is on disk.
  run_endings(kept_results& kept, run_submissions& submissions, run_journal& journal,
              run_fold& fold)
      : kept_(kept), submissions_(submissions), journal_(journal), fold_(fold) {}

  void start(const address& self) { self_ = self; }
  /// Takes a run that has ended. `cut_short`: why it ended before its tasks; null if it did not.
  void add(std::unique_ptr<active_run> run, const failure* cut_short, instant now);
  /// Tells as much as one step may. True: more is left.
  bool tell_some(step_context& context);

  /// One that has not been told yet; null: there is none.
  active_run* find(run_id id) const;
  /// The run of a submission, if it has not been told yet; else null.
  active_run* find_request(const envelope& request) const;
  bool empty() const noexcept { return endings_.empty(); }
  std::size_t size() const noexcept { return endings_.size(); }

private:
  struct ending {
    std::unique_ptr<active_run> run;
    std::optional<failure> cut_short;
    instant ended{};
    RunEnded whole;      ///< without result and outcomes
    std::string message; ///< the bytes of a RunEnded: result, then outcomes
    run_state::copy_cursor copied;
    std::size_t result_at = 0, result_end = 0;
    bool result_known = false; ///< or there is none
    run_state::outcome_cursor told;
  };

  static bool copy_result(ending& done, std::size_t& bytes);
  static bool add_outcomes(ending& done, std::size_t& left);
  static void bound(ending& done);
  static payload whole_of(ending& done); ///< takes the message
  void tell(step_context& context, ending& done);
  void write(const ending& done, const payload& ended);

  kept_results& kept_;
  run_submissions& submissions_;
  run_journal& journal_;
  run_fold& fold_;
  address self_;
  std::deque<std::unique_ptr<ending>> endings_;
};

} // namespace troupe
