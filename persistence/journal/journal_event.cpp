#include "persistence/journal/journal_event.hpp"

#include "config/base/hex.hpp"
#include "config/limits/storage.hpp"

#include <algorithm>

namespace troupe {

namespace {

/// A field of `RunEvent.what` on the wire: its number, and that its length follows.
constexpr unsigned char tag_of(int field) { return static_cast<unsigned char>(field << 3 | 2); }

unexpected<failure> unreadable(std::string_view what) {
  return fail(ec::invalid_argument,
              "an event for the journal cannot be read as " + std::string{what});
}

} // namespace

event_place place_of(std::string_view event) {
  if (event.empty())
    return event_place::none;
  auto tag = static_cast<unsigned char>(event.front());
  if (tag == tag_of(RunEvent::kBeganFieldNumber))
    return event_place::first;
  if (tag == tag_of(RunEvent::kFinishedFieldNumber))
    return event_place::last;
  // A later version may have events that this one does not know.
  return (tag & 7) == 2 ? event_place::between : event_place::none;
}

result<RunEvent::Began> read_began(std::string_view event) {
  RunEvent read;
  if (!read.ParseFromArray(event.data(), static_cast<int>(event.size())) || !read.has_began())
    return unreadable("the beginning of a run");
  return std::move(*read.mutable_began());
}

result<RunEvent::Finished> read_finished(std::string_view event) {
  RunEvent read;
  if (!read.ParseFromArray(event.data(), static_cast<int>(event.size())) || !read.has_finished())
    return unreadable("the end of a run");
  return std::move(*read.mutable_finished());
}

result<void> check_entry(std::string_view run, std::string_view event, bool there, bool over) {
  auto wrong = [&](std::string_view what) {
    return fail(ec::invalid_argument, run_text(run) + " " + std::string{what});
  };
  if (run.size() != limits::run_id_bytes)
    return wrong("has an id of " + std::to_string(run.size()) + " bytes, not of 16");
  if (event.size() > limits::journal_event_bytes_max)
    return fail(ec::too_large, "an event of " + run_text(run) + " has "
                                   + std::to_string(event.size()) + " bytes, at most "
                                   + std::to_string(limits::journal_event_bytes_max) + " are kept");
  auto place = place_of(event);
  if (place == event_place::none)
    return wrong("is given what is no event");
  if (place == event_place::first)
    return there ? wrong("has begun before") : result<void>{};
  if (!there)
    return wrong("has not begun");
  return over ? wrong("has ended") : result<void>{};
}

std::string run_text(std::string_view run) { return "run " + to_hex(run); }

std::int64_t end_time_of(const RunSummary& summary) {
  return std::max<std::int64_t>(summary.ended_ms(), 0);
}

bool is_asked_for(const RunSummary& summary, RunPhase phase, std::string_view prefix) {
  return (phase == RUN_ANY || summary.phase() == phase)
         && to_hex(summary.run()).starts_with(prefix);
}

} // namespace troupe
