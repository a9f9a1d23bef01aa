#pragma once

#include "messages/errors.hpp"
#include "messages/journal.pb.h"

#include <string_view>

namespace troupe {

/// Where an event stands in its run.
enum class event_place {
  none,    ///< it is no event
  first,   ///< Began
  between, ///< any other one
  last,    ///< Finished
};

/// Looks only at the first byte: events are not parsed to be written.
event_place place_of(std::string_view event);

/// `invalid_argument` if it cannot be read, or is something else.
result<RunEvent::Began> read_began(std::string_view event);
result<RunEvent::Finished> read_finished(std::string_view event);

/// How an entry may follow what is known of its run: `there` is whether the run has begun, `over`
/// whether it has ended.
result<void> check_entry(std::string_view run, std::string_view event, bool there, bool over);

/// "run 0123...", for messages.
std::string run_text(std::string_view run);

/// The time by which an ended run is listed and cut, never negative.
std::int64_t end_time_of(const RunSummary& summary);

/// Whether a run that has ended is among those asked for.
bool is_asked_for(const RunSummary& summary, RunPhase phase, std::string_view prefix);

} // namespace troupe
