#pragma once

#include "messages/runs.pb.h"
#include "tests/sim/minds.hpp"
#include "tests/sim/run_workload.hpp"
#include "tests/sim/step_rules.hpp"
#include "tests/sim/world.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace troupe::sim {

/// What must hold of runs:
///  - no submission and no key begins two runs;
///  - a durable run that was accepted has one end, in one journal, whoever waits for it, and it is
///    the one that everybody was told. Only `async` may have told an end that is lost since, if its
///    owner has begun again;
///  - what a journal has of a run is whole, and comes to its end;
///  - one that was cancelled ends cancelled;
///  - every task of a run that ended well counts once, with the result of the attempt that counts,
///    or, if its owner did it, with that of an execution for this task that threw nothing. What a
///    chain came to follows from calls that were made for it (step_rules).
class run_rules {
public:
  using complaint = std::function<void(std::string)>;

  /// All outlive it.
  run_rules(world& in, const quick_answers& answers, step_rules& steps, complaint wrong);

  /// What leaves a logic.
  void sees(envelope& message, node_id from);
  /// Nothing goes on any more, and no node runs: what is on the disks is all that is left.
  void judge(const std::vector<std::unique_ptr<asked_run>>& asked);

  /// Tasks that the owners of runs did themselves, of runs that ended well.
  std::size_t done_by_owners() const noexcept { return done_by_owners_; }
  /// Durable runs that were accepted, have an end, and nobody waited for it.
  std::size_t ended_alone() const noexcept { return ended_alone_; }

private:
  using attempt_key = std::tuple<std::string, std::uint32_t, std::uint32_t>; ///< run, index, number

  /// A run in a journal.
  struct kept_run {
    RunEvent::Began began;
    RunSummary summary;
    RunEnded ended;
    bool is_cancelled = false; ///< somebody asked for its end
  };

  void read_journals();
  void read_run(std::size_t node, const std::string& run);
  void check_origins();
  void check_durable(const asked_run& run);
  void check_told(const asked_run& run, const kept_run& kept);
  void check_end(const asked_run& run, const RunEnded& end);
  void check_results(const asked_run& run, const RunEnded& end);
  void check_counted(const RunEnded& end, const TaskOutcome* about, const Value& counted);
  const quick_answers::about* find_answer(const asked_run& run, const RunEnded& end,
                                          std::int64_t number);

  world& world_;
  const quick_answers& answers_;
  step_rules& steps_;
  complaint wrong_;
  std::map<attempt_key, std::string> ids_;                                ///< "work[3]"
  std::set<std::tuple<std::string, std::string, std::uint32_t>> offered_; ///< run, id, number
  /// What each node said an attempt came to: its output, as bytes; of each life of the owner.
  std::map<std::tuple<std::string, std::string, std::uint32_t, node_id>, std::set<std::string>>
      results_;
  std::set<std::string> resumed_;                     ///< runs that their owner has gone on with
  std::map<message_id, std::set<std::string>> begun_; ///< the runs of each submission
  std::map<std::string, kept_run> kept_;              ///< by id
  struct counted_for {
    const asked_run* asked = nullptr;
    std::string run; ///< that has ended so
  };
  /// Numbers of quick minds that a run has taken as a result.
  std::map<std::int64_t, counted_for> counted_;
  std::size_t done_by_owners_ = 0;
  std::size_t ended_alone_ = 0;
};

} // namespace troupe::sim
