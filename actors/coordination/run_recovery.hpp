#pragma once

#include "actors/coordination/run_reader.hpp"
#include "actors/logic.hpp"
#include "messages/journal.pb.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace troupe {

/// What an owner does first: it reads the runs without an end from its journal, one after the
/// other, and goes on with each. Meanwhile what clients ask waits here.
class run_recovery {
public:
  /// `timer` calls for `timer_fired`.
  explicit run_recovery(std::uint32_t timer) : timer_(timer) {}

  void start(step_context& context, const address& self);
  bool is_over() const noexcept { return over_; }
  /// Keeps what a client asked until it is over. False: too much waits, and it is left as it is.
  bool keep(envelope& asked);
  /// What was kept, once it is over.
  std::vector<envelope> take_kept() { return std::exchange(kept_, {}); }

  bool is_answer(const envelope& message) const { return message.id.session == session_; }
  struct recovered {
    std::unique_ptr<active_run> run;      ///< is read, or null
    std::optional<RunSummary> unreadable; ///< a run that is left as it is, and why
    std::optional<failure> broken;        ///< nothing can be read
  };
  recovered take_answer(step_context& context, envelope& reply);
  void timer_fired(step_context& context) { ask(context); }
  /// Nobody answers what was asked.
  void ask_again(step_context& context) { ask(context); }

private:
  void ask(step_context& context);

  std::uint32_t timer_;
  address self_;
  session_id session_;
  std::uint64_t requests_ = 0;
  bool over_ = true; ///< or it has not begun
  bool listed_ = false;
  std::deque<run_id> left_;
  std::unique_ptr<run_reader> reading_;
  std::vector<envelope> kept_;
  std::size_t kept_bytes_ = 0;
};

} // namespace troupe
