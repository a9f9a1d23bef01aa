#pragma once

#include "messages/errors.hpp"
#include "messages/payload_kinds.hpp"
#include "messages/runs.pb.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// The steps of one task of a durable run, or of one message to a durable agent: the calls that the
/// mind asks, numbered from 1 in the order in which it asks. Of each it says whether the call is to
/// be made, or what came of it in an earlier attempt, and in which order the mind hears of
/// outcomes. Pure: who sends the records to those who keep them, and makes the calls, is the agent
/// (agent_steps.cpp).
///
/// A mind is a function of what it hears. So an attempt that hears the recorded outcomes in the
/// order in which the earlier one heard them asks the same, and each call finds its own record by
/// its number alone. If it asks something else, its task cannot go on (`differs`).
///
/// An outcome is heard only when it is recorded, and it never changes. One exception: a failure
/// that may pass. The mind hears it at once, and if the task fails for it, the next attempt makes
/// the call again. If the mind asks on instead, the failure is recorded with its next step: from
/// then on it is a fact that others follow from.
///
/// What only reads is no step: blobs and documents are named by their hashes, so each attempt finds
/// the same (docs/decisions/0031-durable-steps.md). But it has its place in the order in which the
/// mind hears.
class step_history {
public:
  enum class course : std::uint8_t {
    begin,   ///< it begins, or has failed before in a way that may pass
    known,   ///< what came of it is recorded: it is not made again
    unknown, ///< it began in an earlier attempt, and nobody knows what came of it
    differs, ///< an earlier attempt asked something else
  };
  struct entry {
    std::uint32_t number = 0;
    course what = course::begin;
  };

  /// What the owner has kept of earlier attempts, in any order.
  explicit step_history(google::protobuf::RepeatedPtrField<StepRecord> recorded = {});

  /// The same for the same question, in any process and at any time.
  static std::uint64_t hash_of(payload_kind kind, const google::protobuf::Message& asked);
  /// A call that ended so may end otherwise for the next attempt.
  static bool may_pass(ec code);

  /// The mind asks. `what` is for people.
  entry ask(std::uint64_t asked, std::string what);

  /// What is to be recorded before the call of a step is made: that it begins, and before it the
  /// failures that the mind asks it for.
  std::vector<StepRecord> begin(std::uint32_t number) const;
  /// All of that is recorded.
  void has_begun(std::uint32_t number);
  /// The call has ended: its outcome comes behind those that came before. The record of it, which
  /// is to be recorded before the mind hears the outcome, unless that may pass.
  StepRecord end(std::uint32_t number, payload_kind kind, std::string outcome);
  /// The outcome is recorded, or may pass: the mind may hear it in its turn.
  void may_hear(std::uint32_t number);
  /// Something that is no step has ended. Its place, if an outcome has to be heard before it;
  /// nothing if the mind hears it now.
  std::optional<std::uint32_t> read_ended();

  struct heard {
    std::uint32_t place = 0;
    std::uint32_t number = 0; ///< of a step; 0: what has ended at this place is none
  };
  /// What the mind hears now, once. `still_reads`: something that is no step may still end, and
  /// come before what was heard later in an earlier attempt.
  std::optional<heard> next_heard(bool still_reads);
  /// The mind has heard an outcome that is not recorded.
  void heard_without_record(StepRecord record) { unrecorded_.push_back(std::move(record)); }

  /// "step 2 (chat gpt-5)"
  std::string title_of(std::uint32_t number) const;
  /// Of a step that is `known`; to be taken once.
  StepRecord take_recorded(std::uint32_t number);
  /// Why a step `differs`: what was recorded, and what was asked. `nondeterminism`.
  failure difference(std::uint32_t number) const;
  /// Of a step that is `unknown` and may not be made again. `outcome_unknown`.
  failure not_again(std::uint32_t number) const;
  /// What is recorded of steps from this one on, which was asked last, no longer holds: it begins.
  void forget_from(std::uint32_t number);
  /// Why a mind that asks nothing more has not repeated itself; nothing if it has.
  std::optional<failure> left_out() const;

private:
  struct turn {
    enum class phase : std::uint8_t {
      not_asked,  ///< recorded; the mind has not come to it
      unrecorded, ///< the owner has not said that it is recorded
      ready,
    };
    std::uint32_t number = 0;
    phase now = phase::ready;
  };
  turn& turn_of(std::uint32_t number);

  std::map<std::uint32_t, StepRecord> recorded_; ///< of earlier attempts, by number
  std::vector<StepRecord> asked_;                ///< step `n` at `n - 1`, without its outcome
  std::multimap<std::uint32_t, turn> turns_;     ///< what the mind has not heard, by place
  std::uint32_t last_place_ = 0;                 ///< that was given
  std::uint32_t heard_ = 0;                      ///< the place that the mind has come to
  std::vector<StepRecord> unrecorded_; ///< failures that were heard, as far as the owner has said
};

} // namespace troupe
