#pragma once

#include "actors/coordination/active_run.hpp"
#include "actors/logic.hpp"
#include "messages/journal.pb.h"

#include <cstddef>
#include <cstdint>
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
/// full, and all others never.
class run_journal {
public:
  /// `timer` calls for `timer_fired`.
  explicit run_journal(std::uint32_t timer) : timer_(timer) {}

  void start(step_context& context, const address& self);

  /// Nothing for runs that are not durable.
  void note(const active_run& run, const RunEvent& event);
  /// Sends it once all that was noted of durable runs is written; at once for other runs.
  void send_when_kept(step_context& context, const active_run& run, envelope message);
  /// Gives an incoming message back (`answer::again`) once all that was noted is written.
  void ask_again_when_kept(envelope message);

  /// Something was sent to it that it has not answered.
  bool is_asked() const noexcept { return begins_.is_sent() || others_.is_sent(); }
  bool has_unwritten() const noexcept { return !begins_.empty() || !others_.empty(); }
  /// So much waits that no further work should be begun.
  bool is_behind() const noexcept;

  /// To be called at the end of each step.
  void flush(step_context& context);
  void timer_fired(step_context& context);
  /// The owner ends: what was gathered leaves without waiting for what is on its way.
  void stop(step_context& context);

  struct refused_run {
    run_id run;
    failure why;
  };
  /// What an answer of the journal leads to, besides messages that were held.
  struct answer {
    std::vector<run_id> begun; ///< their first event is written
    std::vector<refused_run> refused;
    std::vector<envelope> again;
    std::optional<failure> broken; ///< nobody knows what was written
  };
  bool is_answer(const envelope& message) const { return message.id.session == session_; }
  answer take_answer(step_context& context, envelope& reply);

private:
  /// Something that waits for the events before it.
  struct held_message {
    envelope message;
    bool comes_in = false; ///< from a client; else it goes out
  };
  struct bundle {
    JournalAppend events;
    std::size_t bytes = 0;
    bool synced = false; ///< something waits for it
    std::vector<held_message> held;

    bool empty() const noexcept { return events.entries().empty() && held.empty(); }
  };
  struct lane {
    bundle gathered;
    std::optional<bundle> on_its_way;
    std::uint64_t number = 0; ///< of the request that carries it; 0: it is to be sent again
    bool begins = false;

    bool empty() const noexcept { return gathered.empty() && !on_its_way; }
    bool is_sent() const noexcept { return on_its_way && number != 0; }
  };

  void send_bundle(step_context& context, lane& of);
  void hold(bool begins, bool synced, envelope message, bool comes_in);
  void release(step_context& context, lane& of, answer& into);

  std::uint32_t timer_;
  address self_;
  session_id session_;
  std::uint64_t requests_ = 0;
  lane begins_{{}, {}, 0, true}, others_;
};

} // namespace troupe
