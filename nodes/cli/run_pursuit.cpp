#include "nodes/cli/run_pursuit.hpp"

#include "config/limits/attaching.hpp"
#include "config/limits/links.hpp"
#include "config/limits/messages.hpp"

#include <signal.h>

#include <algorithm>
#include <utility>

namespace troupe::cli {

using namespace std::chrono_literals;

namespace {

constexpr auto cancel_time_max = 3s;  ///< a cancelled run has so long to report its end
constexpr auto person_time_max = 30s; ///< then a person who was asked has left

/// The owner, or the way to it, may be there again in a moment.
bool passes(ec code) {
  return code == ec::unavailable || code == ec::overloaded || code == ec::timed_out
         || code == ec::outcome_unknown;
}

} // namespace

run_pursuit::run_pursuit(start how, bool has_person, std::optional<time> deadline, time now)
    : how_(how), has_person_(has_person), deadline_(deadline),
      answer_by_(now + limits::request_timeout), heard_(now) {
  if (how != start::attaches)
    return;
  accepted_ = durable_ = true;
  search(now);
}

void run_pursuit::accepted(bool durable, time now) {
  heard(now);
  if (std::exchange(accepted_, true))
    return;
  durable_ = durable && how_ != start::submits_brief;
  if (auto waiting = std::exchange(signal_, 0))
    signalled(waiting, now);
}

void run_pursuit::refused(const failure& why, time now) {
  if (accepted_ && durable_ && passes(why.code))
    return failed_to_attach(why, now);
  lost_ = true;
  trouble_ = why;
}

void run_pursuit::heard(time now) {
  heard_ = now;
  missing_since_.reset();
  tried_at_.reset();
  pause_ = 0ms;
  trouble_.reset();
}

void run_pursuit::link_returned(time now) {
  if (accepted_ && durable_)
    search(now);
}

void run_pursuit::link_lost(const failure& why, time now) {
  if (accepted_ && durable_)
    return failed_to_attach(why, now);
  lost_ = true;
  trouble_ = why;
}

void run_pursuit::search(time now) {
  if (!missing_since_)
    missing_since_ = now;
  tried_at_.reset();
  try_at_ = now;
}

void run_pursuit::failed_to_attach(const failure& why, time now) {
  search(now);
  trouble_ = why;
  pause_ = std::clamp<std::chrono::milliseconds>(2 * pause_, limits::run_attach_pause_min,
                                                 limits::run_attach_pause_max);
  try_at_ = now + pause_;
}

void run_pursuit::signalled(int signal, time now) {
  bool first = signal_ == 0;
  if (cancelled_ != reason::none || (!accepted_ && (!first || how_ == start::submits_brief))) {
    cancelled_ = cancelled_ == reason::none ? reason::interrupted : cancelled_;
    abandoned_ = true;
    return;
  }
  if (!accepted_) {
    signal_ = signal;
    answer_by_ = std::min<time>(answer_by_, now + cancel_time_max);
    return;
  }
  if (durable_ && signal != SIGINT)
    left_ = true;
  else if (durable_ && has_person_ && !asked_)
    asking_until_ = now + person_time_max;
  else
    cancel(reason::interrupted);
}

void run_pursuit::answered(person_says what, time) {
  if (!asking_until_)
    return;
  asking_until_.reset();
  if (what == person_says::cancel)
    cancel(reason::interrupted);
  else
    left_ = true;
}

void run_pursuit::cancel(reason why) {
  asking_until_.reset();
  cancelled_ = why;
}

run_step run_pursuit::next(time now) {
  if (auto end = end_of(now))
    return {*end, now};
  if (auto act = due(now))
    return {*act, now};
  return {run_move::wait, next_change(now)};
}

std::optional<run_move> run_pursuit::end_of(time now) {
  if (ended_)
    return run_move::done;
  if (!accepted_ && !lost_ && now >= answer_by_) {
    lost_ = signal_ == 0;
    abandoned_ = signal_ != 0;
    cancelled_ = abandoned_ ? reason::interrupted : cancelled_;
    trouble_ = failure{ec::outcome_unknown, "the node did not answer in time"};
  }
  if (abandoned_ || (cancel_told_until_ && now >= *cancel_told_until_))
    return run_move::abandoned;
  if (lost_)
    return cancelled_ == reason::none ? run_move::lost : run_move::abandoned;
  bool given_up = missing_since_ && now >= *missing_since_ + limits::run_attach_time_max;
  bool nobody_answers = asking_until_ && now >= *asking_until_;
  if (left_ || (cancelled_ == reason::none && (given_up || nobody_answers)))
    return run_move::left;
  return std::nullopt;
}

std::optional<run_move> run_pursuit::due(time now) {
  if (!accepted_)
    return std::nullopt;
  if (deadline_ && now >= *deadline_ && cancelled_ == reason::none)
    cancel(reason::timed_out);
  if (cancelled_ != reason::none) {
    if (cancel_told_until_)
      return std::nullopt;
    cancel_told_until_ = now + cancel_time_max;
    return run_move::cancel;
  }
  if (asking_until_ && !std::exchange(asked_, true))
    return run_move::ask;
  return durable_ ? question_due(now) : std::nullopt;
}

/// For a durable run: whether its owner is asked for it now.
std::optional<run_move> run_pursuit::question_due(time now) {
  if (tried_at_ && now >= *tried_at_ + limits::run_attach_answer_max)
    failed_to_attach({ec::timed_out, "its owner did not answer in time"}, now);
  if (tried_at_)
    return std::nullopt;
  bool silent = !missing_since_ && now >= heard_ + limits::run_attach_silence;
  if (!silent && !(missing_since_ && now >= try_at_))
    return std::nullopt;
  tried_at_ = now;
  return run_move::attach;
}

run_pursuit::time run_pursuit::next_change(time now) const {
  auto next = now + limits::run_silence_max;
  auto at = [&next](time when) { next = std::min(next, when); };
  if (!accepted_) {
    at(answer_by_);
    return next;
  }
  if (cancel_told_until_) {
    at(*cancel_told_until_);
    return next;
  }
  if (deadline_)
    at(*deadline_);
  if (asking_until_)
    at(*asking_until_);
  if (!durable_)
    return next;
  if (missing_since_)
    at(*missing_since_ + limits::run_attach_time_max);
  if (tried_at_)
    at(*tried_at_ + limits::run_attach_answer_max);
  else
    at(missing_since_ ? try_at_ : heard_ + limits::run_attach_silence);
  return next;
}

} // namespace troupe::cli
