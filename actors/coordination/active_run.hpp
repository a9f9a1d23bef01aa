#pragma once

#include "actors/agents/delivery.hpp"
#include "actors/coordination/placement.hpp"
#include "actors/coordination/run_roles.hpp"
#include "actors/coordination/run_state.hpp"
#include "config/limits/work.hpp"
#include "messages/envelope.hpp"
#include "messages/journal.pb.h"
#include "messages/model_usage.hpp"
#include "messages/spans.pb.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A run that its owner sees through: the state of its tasks, and what the owner knows besides. The
/// parts of the coordinator share it; a run_table owns it, and run_endings after its end.
struct active_run {
  using node_index = placement::node_index;
  using lane_index = placement::lane_index;
  static constexpr std::uint32_t none = ~0u;

  /// How often a task was tried.
  struct tries {
    std::uint32_t attempt = none; ///< its entry in the attempt_table while it is offered
    std::uint8_t used = 0;        ///< attempts that count
    bool at_work_here = false;    ///< its attempt began on the owner's own node
    span_id last;                 ///< the span of the attempt before
  };
  /// A client that attached itself to the run.
  struct follower {
    address who;
    message_id request; ///< news carry its id
    bool want_progress = false;
  };
  /// The steps of a task that are known, for its next attempt.
  struct known_steps {
    std::vector<StepRecord> steps; ///< by number
    /// As far as anybody knows, its call has not ended: the number of the attempt that began it;
    /// else 0.
    std::vector<std::uint32_t> begun_by;
    std::uint32_t unknown = 0; ///< begun again, because nobody knows what came of them
    std::size_t bytes = 0;     ///< of all of them, about
  };
  /// A task that some nodes cannot go on with, because they have another version of its mind or its
  /// role.
  struct version_wait {
    std::uint64_t refused_by = 0; ///< these nodes, one bit each
    bool waits = false;           ///< no other node is up: it is among no offers
    std::string needed;           ///< for people: what would have to be there
  };

  run_id id;
  std::unique_ptr<run_state> state;
  address submitter;
  message_id request;            ///< the submission: news of the run carry its id
  delivery::entry_id submission; ///< for repetitions
  name tenant;
  instant began{};
  std::optional<instant> gone; ///< since then its submitter has no link

  trace_context inside; ///< of what its tasks do
  std::unique_ptr<SpanData> root;
  std::uint32_t retried = 0;      ///< attempts that another one followed
  model_usage used;               ///< of all attempts that were heard of
  std::string_view cancel_reason; ///< who wanted its end; empty: nobody

  // -- what outlives its owner (run_fold) --
  Durability durability = DURABILITY_OFF;
  bool beginning = false;       ///< the journal has not written yet that it began
  bool resuming = false;        ///< ... that this life of its owner goes on with it
  std::string key;              ///< of its submission
  std::int64_t accepted_ms = 0; ///< since 1970, for people
  std::uint32_t resumed = 0;    ///< how often its owner began again with it
  std::string retry_of;
  std::map<std::uint32_t, known_steps> steps; ///< by task without an end
  std::uint32_t unknown_steps = 0;            ///< of all tasks
  std::size_t steps_bytes = 0;                ///< of those that are known
  run_roles roles;

  std::vector<RunEvent::StepsSetAside> set_aside; ///< what clients have let begin anew

  std::map<std::uint32_t, version_wait> versions; ///< by task without an end
  std::vector<follower> attached;                 ///< besides the submitter
  bool want_progress = false;
  bool has_news = false; ///< for its submitter (run_progress)
  std::uint32_t last_task = none;
  node_index last_node = none;

  /// Cancelled: why. It ends when the agents at work on it have given up, so that nothing of it
  /// goes on after its end, at the latest at `closes_by`.
  std::optional<failure> closing;
  std::vector<envelope> cancellers; ///< are answered with its end
  instant closes_by{};

  bool noted_ended = false;    ///< in the run_table's list of runs that end
  bool noted_working = false;  ///< in its list of runs that have more work
  std::optional<failure> over; ///< why it ends before its tasks
  std::size_t kept = 0;        ///< bytes of results that kept_results counts for it

  std::vector<lane_index> lanes; ///< by the state's role index
  std::vector<bool> in_lane;     ///< by the state's role index: it takes turns there
  std::vector<tries> tried;      ///< by task
  std::uint64_t touched = 0;     ///< nodes that were offered a task, one bit each
  std::uint64_t stale = 0;       ///< nodes that were lost and may still work on what they had

  bool wants_progress() const noexcept {
    return want_progress || std::any_of(attached.begin(), attached.end(), [](const auto& one) {
             return one.want_progress;
           });
  }
  bool durable() const noexcept { return durability > DURABILITY_OFF; }
  /// Attempts of one life of the owner have numbers that those of another never have.
  std::uint32_t first_attempt() const noexcept { return resumed * limits::task_attempts_max + 1; }
  static std::uint64_t bit(node_index node) { return std::uint64_t{1} << node; }
  /// The state's index of a lane's role.
  std::uint32_t role_in(lane_index lane) const;
  tries& tries_of(std::uint32_t task);
  /// Tasks that no node which is up can go on with.
  std::uint32_t waits_for_version() const;
  /// That wish of a client has let tasks begin anew.
  bool has_begun_anew_for(const envelope& wish) const noexcept;
  /// The client that asks is told of the run from now on.
  void attach(const envelope& asking, bool progress);
  envelope submission_head(const address& self) const; ///< enough to answer the submission
  std::string title() const; ///< for people: its id, and the name of its graph
  /// An event for the submitter, and one for each client that is attached.
  std::vector<envelope> news(const address& sender, payload body, bool progress = false) const;
};

} // namespace troupe
