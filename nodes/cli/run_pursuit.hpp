#pragma once

#include "messages/errors.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace troupe::cli {

/// What a client that follows a run does next.
enum class run_move : std::uint8_t {
  wait,      ///< for a message, a signal or an answer, until `run_step::until`
  attach,    ///< asks the run's owner for the run (RunAttach)
  ask,       ///< asks the person: cancel the run, or leave it?
  cancel,    ///< tells the owner to cancel it, for the reason `why_cancelled`
  done,      ///< ends: the run has ended
  left,      ///< ends: the run goes on without this client
  abandoned, ///< ends: it was cancelled, and its end is not waited for
  lost,      ///< ends: nothing more can be heard of it (`why_lost`)
};

struct run_step {
  run_move what = run_move::wait;
  std::chrono::steady_clock::time_point until{}; ///< of `wait`
};

/// What a client does that has submitted a run, or wants to attach to one, until the run has ended
/// or the client leaves it: decisions only, no clock and no I/O (nodes/cli/run_watch.hpp has them).
///
/// The rules. A run that is not durable ends with its owner and its client: a lost link loses it,
/// and a signal cancels it. A durable run outlives both. When its link or the owner is lost, the
/// client asks for the run again, with growing pauses, for `limits::run_attach_time_max`; then it
/// leaves. SIGINT cancels, or asks the person first if there is one; a second SIGINT cancels, a
/// third ends the client at once. SIGTERM and SIGHUP leave it. A signal that comes before the node
/// has said whether the run is durable waits a moment for that.
class run_pursuit {
public:
  using time = std::chrono::steady_clock::time_point;

  enum class start : std::uint8_t {
    submits,       ///< a new run
    submits_brief, ///< a new run, which is not durable whatever the node says
    attaches,      ///< to a durable one
  };
  enum class reason : std::uint8_t { none, interrupted, timed_out };
  enum class person_says : std::uint8_t { leave, cancel };

  /// `deadline`: when the run is cancelled because its time is over.
  run_pursuit(start how, bool has_person, std::optional<time> deadline, time now);

  // -- what happened ----------------------------------------------------------------------------

  /// The submission, or the question for the run, was answered.
  void accepted(bool durable, time now);
  /// The submission, or the question for the run, was refused.
  void refused(const failure& why, time now);
  /// Anything came from the owner.
  void heard(time now);
  /// The link was lost and is there again: what was told meanwhile is missed.
  void link_returned(time now);
  /// The link is lost, and no node could be reached since.
  void link_lost(const failure& why, time now);
  void ended() { ended_ = true; }
  void signalled(int signal, time now);
  void answered(person_says what, time now);

  // -- what to do -------------------------------------------------------------------------------

  /// Everything but `wait` and the ends counts as done when this returns.
  run_step next(time now);

  bool is_accepted() const noexcept { return accepted_; }
  bool is_durable() const noexcept { return durable_; }
  /// What nobody has said yet counts as possible.
  bool may_be_durable() const noexcept {
    return accepted_ ? durable_ : how_ != start::submits_brief;
  }
  bool is_asking() const noexcept { return asking_until_.has_value(); }
  /// Nothing is heard of a durable run at the moment.
  bool is_searching() const noexcept { return missing_since_.has_value(); }
  reason why_cancelled() const noexcept { return cancelled_; }
  /// Of `lost`, and of a run that was left because it could not be reached.
  const std::optional<failure>& trouble() const noexcept { return trouble_; }

private:
  std::optional<run_move> end_of(time now);
  std::optional<run_move> due(time now);
  std::optional<run_move> question_due(time now);
  time next_change(time now) const;
  void cancel(reason why);
  void search(time now);
  void failed_to_attach(const failure& why, time now);

  const start how_;
  const bool has_person_;
  std::optional<time> deadline_;
  time answer_by_; ///< of the submission

  bool accepted_ = false, durable_ = false, ended_ = false;
  bool left_ = false, abandoned_ = false, lost_ = false;
  int signal_ = 0; ///< came before the answer to the submission
  bool asked_ = false;
  std::optional<time> asking_until_; ///< the person has so long

  reason cancelled_ = reason::none;
  std::optional<time> cancel_told_until_; ///< the owner was told, and has so long

  time heard_;
  std::optional<time> missing_since_; ///< asking for the run, in vain until now
  time try_at_{};
  std::optional<time> tried_at_; ///< a question is not answered yet
  std::chrono::milliseconds pause_{0};
  std::optional<failure> trouble_;
};

} // namespace troupe::cli
