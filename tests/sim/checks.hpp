#pragma once

#include "tests/sim/minds.hpp"
#include "tests/sim/workload.hpp"
#include "tests/sim/world.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace troupe::sim {

/// Looks at a world while it works and when it has ended, and says what must not be:
///  - nothing acknowledged is lost: what a keeper has confirmed is on the disk of its home;
///  - nothing is done twice: no text is there twice, and none that was certainly refused;
///  - what a librarian has confirmed is in its state, and every blob that a state names is on the
///    same disk;
///  - every task of a run that has ended counts once, with the result of the attempt that counts,
///    or, if its owner did it, with that of an execution for this task that threw nothing;
///  - an answer of a quick agent is for the text that it answers, and a talker's is all that its
///    model said, or an error;
///  - no submission begins two runs, and a durable run that was accepted ends;
///  - everybody has got an answer, and in time;
///  - when nothing is left to do, no slot is busy and no task waits;
///  - the contracts and the invariants of the state machines held all the time.
class checker {
public:
  checker(world& in, const quick_answers& answers);

  /// All that is wrong; call it when the workload is done, or should be. The nodes lose their power
  /// in it: what counts is what is on their disks.
  std::vector<std::string> judge(const workload& asked);

  /// What must be if nothing was wrong: the whole answer of a provider.
  std::string talkers_say;
  /// Tasks that the owners of runs did themselves, of runs that ended well.
  std::size_t done_by_owners() const noexcept { return done_by_owners_; }
  /// Durable runs go on without their clients: waits until none is left, so long at most.
  void await_left_runs(std::chrono::nanoseconds at_most);

private:
  using attempt_key = std::tuple<std::string, std::uint32_t, std::uint32_t>; ///< run, index, number

  void see(envelope& message, node_id from);
  void check_answers(const workload& asked);
  void check_idle();
  /// Null if it does not say. Until the next one is asked.
  const NodeStatus* status_of(std::size_t node);
  void read_disks();
  void check_facts(const workload& asked);
  void check_durable(const workload& asked);
  void check_documents(const workload& asked);
  void check_run(const asked_run& run);
  void check_counted(const RunEnded& end, const TaskOutcome* about, const Value& counted);
  const quick_answers::about* find_answer(const asked_run& run, std::int64_t number);
  void check_texts(const workload& asked);
  void check_time(const std::string& what, const std::optional<ec>& answer,
                  std::chrono::nanoseconds took, std::chrono::nanoseconds most);
  void wrong(std::string what) { wrong_.push_back(std::move(what)); }

  world& world_;
  const quick_answers& answers_;
  std::set<std::int64_t> counted_; ///< numbers of quick minds that a run has taken as a result
  std::size_t done_by_owners_ = 0;
  std::map<attempt_key, std::string> ids_;                                ///< "work[3]"
  std::set<std::tuple<std::string, std::string, std::uint32_t>> offered_; ///< run, id, number
  /// What each node said an attempt came to: its output, as bytes; of each life of the owner.
  std::map<std::tuple<std::string, std::string, std::uint32_t, node_id>, std::set<std::string>>
      results_;
  std::set<std::string> resumed_;                     ///< runs that their owner has gone on with
  std::map<message_id, std::set<std::string>> begun_; ///< the runs of each submission
  std::map<std::string, std::multiset<std::string>> kept_; ///< texts and hashes, by agent
  std::vector<std::string> wrong_;
};

} // namespace troupe::sim
