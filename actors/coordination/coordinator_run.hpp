#pragma once

#include "actors/coordination/coordinator_logic.hpp"
#include "config/limits/messages.hpp"
#include "messages/spans.pb.h"

#include <algorithm>

namespace troupe {

/// A run and what its coordinator knows of it. Private to coordinator_*.cpp.
struct coordinator_logic::run {
  struct place {
    std::uint32_t attempt = none; ///< index in `attempts_` while offered
    std::uint8_t used = 0;        ///< attempts that count
  };

  run_id id;
  std::unique_ptr<run_state> state;
  address submitter;
  message_id request;
  delivery::entry_id submission; ///< for repetitions
  name tenant;
  trace_context inside; ///< of what its tasks do
  std::unique_ptr<SpanData> root;
  instant began{};
  std::optional<instant> gone; ///< since then its submitter has no link
  bool want_progress = false;
  bool dirty = false;
  bool ending = false;
  bool working = false;        ///< it is in `working_`
  std::size_t kept = 0;        ///< of `kept_`
  std::optional<failure> over; ///< why it ends before its tasks
  std::uint32_t last_task = none;
  node_index last_node = none;
  std::vector<lane_index> lanes; ///< by the state's role index
  std::vector<bool> in_lane;     ///< by the state's role index
  std::vector<place> places;     ///< by task
  std::uint64_t touched = 0;     ///< nodes that were offered a task, one bit each
  std::uint64_t stale = 0;       ///< nodes that were lost and may still work on what they had

  /// The state's index of a lane's role.
  std::uint32_t role_in(lane_index lane) const {
    return static_cast<std::uint32_t>(std::find(lanes.begin(), lanes.end(), lane) - lanes.begin());
  }
  place& place_of(std::uint32_t task) {
    if (places.size() <= task)
      places.resize(state->size());
    return places[task];
  }
};

/// A run that has ended and of which its submitter has not heard everything yet.
struct coordinator_logic::ending {
  std::unique_ptr<run> ended;
  std::optional<failure> cut_short;
  std::optional<envelope> canceller; ///< to be answered too
  RunEnded whole;                    ///< without result and outcomes
  std::string message;               ///< the bytes of a RunEnded: result, then outcomes
  run_state::copy_place copy_at;
  std::size_t result_at = 0, result_end = 0;
  bool result_known = false; ///< or there is none
  run_state::outcome_place at;
};

static_assert(limits::members_max <= 64, "a run keeps one bit for each node");

} // namespace troupe
