#pragma once

#include "actors/coordination/active_run.hpp"
#include "actors/logic.hpp"
#include "messages/journal.pb.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace troupe {

/// The owner's way to service::journal: the events of its durable runs, and what may be said only
/// once they are on disk.
///
/// Events leave at the end of a step, all that there are in one message; while one is on its way,
/// the next are gathered. So one write to the disk carries all that came during the one before. A
/// message that acknowledges something is held until the events before it are written. Events that
/// nothing is held for are not waited for: the journal syncs them with the next that are, or soon.
///
/// The events that begin runs go by themselves: the journal may refuse them when the disk is nearly
/// full, and all others never. These it asks to wait until there is space: meanwhile the owner
/// `is_behind`.
class run_journal {
public:
  /// `timer` calls for `timer_fired`.
  explicit run_journal(std::uint32_t timer) : timer_(timer) { begins_.begins = true; }

  void start(step_context& context, const address& self);

  /// Nothing for runs that are not durable.
  void note(const active_run& run, const RunEvent& event);
  /// Sends it once all that was noted of durable runs is written; at once for other runs.
  void send_when_kept(step_context& context, const active_run& run, envelope message);
  /// Gives a client's request back (`answer::again`) once the beginning of that run is written or
  /// refused. False: too many wait, and the request is left as it is.
  bool ask_again_when_begun(const active_run& run, envelope& asked);
  /// The same, once all other events that were noted are written.
  bool ask_again_when_kept(envelope& asked);

  /// Something was sent to it that it has not answered.
  bool is_asked() const noexcept { return begins_.is_sent() || others_.is_sent(); }
  /// Events other than beginnings.
  bool has_unwritten() const noexcept { return !others_.empty(); }
  /// Runs whose end is noted and not written, as they stand in a list: they have not ended yet.
  const std::map<run_id, RunSummary>& unwritten_ends() const noexcept { return ends_; }
  bool has_unwritten_end(run_id run) const { return ends_.contains(run); }
  bool holds_requests() const noexcept { return requests_held_ > 0; }
  /// So much waits, or for so long, that no further work should be begun.
  bool is_behind(instant now) const noexcept;
  /// What was noted waits for space on the disk, or for a slow one.
  bool is_stalled(instant now) const noexcept;
  /// It was so at some time from then until now.
  bool was_stalled_since(instant then, instant now) const noexcept;

  /// To be called at the end of each step.
  void flush(step_context& context);
  void timer_fired(step_context& context);
  /// The owner ends. What is on its way may come to nothing, so nothing that follows it leaves any
  /// more, but for what stands by itself: that the owner ended in good order.
  void stop(step_context& context);

  struct refused_run {
    run_id run;
    failure why;
  };
  /// What an answer of the journal leads to, besides messages that were held.
  struct answer {
    std::vector<run_id> begun;   ///< their first event is written
    std::vector<run_id> resumed; ///< the first event of this life of their owner is written
    std::vector<refused_run> refused;
    std::vector<envelope> again;
    std::optional<failure> broken; ///< nobody knows what was written
  };
  bool is_answer(const envelope& message) const { return message.id.session == session_; }
  answer take_answer(step_context& context, envelope& reply);

private:
  struct bundle {
    JournalAppend events;
    std::size_t bytes = 0;
    bool synced = false;            ///< something waits for it
    std::vector<envelope> held;     ///< goes out when the events are written
    std::vector<envelope> requests; ///< of clients, given back then
    std::size_t requests_bytes = 0;
    std::vector<run_id> resumed, ended;

    bool has_events() const noexcept { return !events.entries().empty(); }
    bool empty() const noexcept { return !has_events() && held.empty() && requests.empty(); }
  };
  struct lane {
    bundle gathered;
    std::optional<bundle> on_its_way;
    std::uint64_t number = 0;        ///< of the request that carries it
    instant sent{};                  ///< for the first time
    std::optional<instant> retry_at; ///< it was not taken: when it is sent again
    std::uint32_t retries = 0;
    bool begins = false;

    bool empty() const noexcept { return gathered.empty() && !on_its_way; }
    bool is_sent() const noexcept { return on_its_way && !retry_at; }
  };

  void send_bundle(step_context& context, lane& of);
  bool hold(bundle& in, envelope& asked);
  void send_again_later(step_context& context, lane& of, ec why);
  void arm(step_context& context) const;
  void take_back_requests(bundle& of, answer& into);
  void release(step_context& context, lane& of, answer& into);

  std::uint32_t timer_;
  address self_;
  session_id session_;
  std::uint64_t requests_ = 0;
  lane begins_, others_;
  JournalAppend left_; ///< for the end of the owner
  std::map<run_id, RunSummary> ends_;
  std::size_t requests_held_ = 0, requests_held_bytes_ = 0;
  std::optional<instant> stalled_until_;
};

} // namespace troupe
