#pragma once

#include "tests/sim/minds.hpp"
#include "tests/sim/provider.hpp"
#include "tests/sim/run_rules.hpp"
#include "tests/sim/step_rules.hpp"
#include "tests/sim/workload.hpp"
#include "tests/sim/world.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace troupe::sim {

/// Looks at a world while it works and when it has ended, and says what must not be:
///  - nothing acknowledged is lost: what a keeper has confirmed is on the disk of its home;
///  - nothing is done twice: no text is there twice, and none that was certainly refused; what a
///    keeper has answered is which of all texts it was, also if another life of it repeated that;
///  - an adviser makes no call whose outcome is on its disk, and does not meet `nondeterminism`;
///  - what a librarian has confirmed is in its state, and every blob that a state names is on the
///    same disk;
///  - what run_rules and step_rules say of runs and of the steps of their tasks;
///  - an event of a run is not synced for 100 ms at most, unless a node is paused;
///  - an answer of a quick agent is for the text that it answers, and a talker's is all that its
///    model said, or an error;
///  - everybody has got an answer, and in time;
///  - when nothing is left to do, no slot is busy and no task waits;
///  - the contracts and the invariants of the state machines held all the time.
class checker {
public:
  /// All outlive it.
  checker(world& in, const quick_answers& answers, const provider_ledger& ledger);

  /// All that is wrong; call it when the workload is done, or should be. The nodes lose their power
  /// in it: what counts is what is on their disks.
  std::vector<std::string> judge(const workload& asked);

  /// What must be if nothing was wrong: the whole answer of a provider.
  std::string talkers_say;
  /// Messages to advisers that another life of their home has found begun, with an outcome.
  std::size_t taken_up() const noexcept { return taken_up_; }
  /// A node may have been paused: then it syncs late.
  bool pauses = false;

  /// A mind of a chain hears the answer of that call.
  void hears(std::int64_t answer) { steps_.hears(answer); }
  const run_rules& of_runs() const noexcept { return runs_; }
  const step_rules& of_steps() const noexcept { return steps_; }
  /// Durable runs go on without their clients: waits until none is left, so long at most.
  void await_left_runs(std::chrono::nanoseconds at_most);

private:
  void see(envelope& message);
  void see_call(const ModelRequest& call, const address& caller);
  void check_answers(const workload& asked);
  void check_idle();
  /// Null if it does not say. Until the next one is asked.
  const NodeStatus* status_of(std::size_t node);
  void read_disks();
  void check_facts(const workload& asked);
  void check_documents(const workload& asked);
  void check_texts(const workload& asked);
  void check_time(const std::string& what, const std::optional<ec>& answer,
                  std::chrono::nanoseconds took, std::chrono::nanoseconds most);
  void wrong(std::string what) { wrong_.push_back(std::move(what)); }

  world& world_;
  const quick_answers& answers_;
  std::size_t taken_up_ = 0;
  std::map<std::string, std::multiset<std::string>> kept_; ///< texts and hashes, by agent
  std::map<std::string, std::vector<std::string>> told_;   ///< texts in their order, by keeper
  std::vector<std::string> wrong_;
  step_rules steps_;
  run_rules runs_;
};

} // namespace troupe::sim
