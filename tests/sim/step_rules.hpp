#pragma once

#include "messages/journal.pb.h"
#include "messages/runs.pb.h"
#include "tests/sim/chain_mind.hpp"
#include "tests/sim/provider.hpp"
#include "tests/sim/world.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::sim {

/// What must hold of the calls that tasks of durable runs make (chain_mind):
///  - its owner has recorded that a call begins before it is made;
///  - a call with a recorded outcome is never made again, and its outcome never changes;
///  - a mind hears what came of its call only when that is on the owner's disk, and what it asks
///    next follows from nothing else. Another attempt may be given, and hear, what is still on its
///    way there: what it asks then comes behind that;
///  - a call that was paid twice is reported by its run.
/// The last two are for `sync`. An `async` run may lose what it was told just before its owner
/// ended: of one that its owner has gone on with nothing is said here.
class step_rules {
public:
  using complaint = std::function<void(std::string)>;

  /// All outlive it.
  step_rules(world& in, const provider_ledger& ledger, complaint wrong);

  /// What leaves a logic.
  void sees(envelope& message, node_id from);
  /// A mind hears the answer of that call.
  void hears(std::int64_t answer);

  /// The result of a task of a chain: it follows from calls that were made for it, one from the
  /// other.
  void check_result(std::int64_t run, std::int64_t item, std::int64_t result) const;
  /// The end of a durable run, as the journal has it.
  void check_reported(std::int64_t run, const RunEnded& ended);
  /// Calls that were made again for durable runs, and paid again.
  std::size_t paid_again() const noexcept { return paid_again_; }

private:
  /// A task is known by its run and its index there.
  struct step_key {
    std::string run;
    std::uint32_t task = 0;
    std::uint32_t number = 0;
    friend auto operator<=>(const step_key&, const step_key&) = default;
  };
  struct durable_run {
    std::string id;
    bool is_synced = false;
    bool may_have_lost = false; ///< it is not synced, and was gone on with
    std::size_t owner = 0;      ///< index of its node
  };
  /// How far the events of a run on a disk have been read: they only become more.
  struct read_run {
    std::uint64_t events = 0;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> outcomes; ///< by task and number
  };

  void see_offer(const TaskOffer& offer);
  void see_append(const JournalAppend& append, node_id from);
  void see_kept(const envelope& reply);
  void see_call(const envelope& message, const chain_question& question);
  void check_heard(const durable_run& run, const chain_question& question, std::uint32_t task,
                   std::uint32_t number);
  /// As text: the number of the call, or `chain_question::failed`. Empty: there is none.
  static std::string outcome_in(const StepRecord& step);
  std::string outcome_on_disk(const durable_run& run, std::uint32_t task, std::uint32_t number);
  const std::uint32_t* find_task(const std::string& run, std::int64_t item) const;

  world& world_;
  const provider_ledger& ledger_;
  complaint wrong_;
  std::map<std::int64_t, durable_run> runs_;                           ///< by their numbers
  std::map<std::pair<std::string, std::string>, std::uint32_t> tasks_; ///< by run and id
  std::map<message_id, StepsMade> told_;                               ///< and not answered
  std::map<step_key, std::string> recorded_;                           ///< outcomes
  std::map<std::pair<session_id, step_key>, bool> may_call_;           ///< agents
  std::map<std::string, read_run> read_;
  std::set<std::string> given_; ///< answers that other attempts were given
  std::size_t paid_again_ = 0;
};

} // namespace troupe::sim
