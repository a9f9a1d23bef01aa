#include "actors/llm/failing/attempt_plan.hpp"

#include "config/base/count_of.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe {

namespace {

using std::chrono::nanoseconds;

/// A call that no breaker lets pass asks again after that time.
constexpr auto look_again = std::chrono::milliseconds{250};

/// 0 up to `most`, by a number that is uniform over all values.
nanoseconds random_part(nanoseconds most, std::uint64_t random) {
  if (most.count() <= 0)
    return nanoseconds{0};
  return nanoseconds{
      static_cast<std::int64_t>(random % (static_cast<std::uint64_t>(most.count()) + 1))};
}

nanoseconds longest_pause(const attempt_limits& terms, std::uint32_t tried) {
  constexpr std::uint32_t doublings_max = 20;
  nanoseconds pause = terms.pause;
  pause *= std::int64_t{1} << std::min(tried == 0 ? 0 : tried - 1, doublings_max);
  return std::min<nanoseconds>(pause, terms.pause_max);
}

std::string time_text(nanoseconds time) {
  constexpr auto second = std::chrono::seconds{1};
  if (time < second)
    return std::to_string(std::chrono::round<std::chrono::milliseconds>(time).count()) + " ms";
  return std::to_string(std::chrono::round<std::chrono::seconds>(time).count()) + " s";
}

} // namespace

attempt_plan::attempt_plan(const std::vector<std::uint16_t>& order, const attempt_limits& terms,
                           instant deadline)
    : terms_(terms), deadline_(deadline) {
  assert(!order.empty());
  for (auto candidate : order)
    left_.push_back({.candidate = candidate});
}

// -- what is to be done ---------------------------------------------------------------------------

attempt_plan::advice attempt_plan::next(instant now, const passes& lets_pass, retry_budget& budget,
                                        std::uint64_t random) {
  if (answering_ != 0)
    return {.kind = advice::what::wait, .until = deadline_};
  if (now >= deadline_)
    return over(ec::timed_out, "there is no time left");
  if (!running().empty())
    return hedge_or_wait(now, lets_pass, budget);
  if (is_over_)
    return {};
  if (attempts_.size() >= terms_.all)
    return over(ec::none, "that is as often as the call may be tried");
  draw_pauses(now, random);
  return ask_next(now, lets_pass, budget);
}

attempt_plan::advice attempt_plan::hedge_or_wait(instant now, const passes& lets_pass,
                                                 retry_budget& budget) {
  advice waits{.kind = advice::what::wait, .until = deadline_};
  auto asked = running();
  if (terms_.hedge.count() == 0 || was_hedged_ || is_over_ || asked.size() != 1
      || attempts_.size() >= terms_.all)
    return waits;
  const auto& first = find(asked.front());
  auto due = first.began + terms_.hedge;
  if (now < due) {
    waits.until = std::min(due, deadline_);
    return waits;
  }
  was_hedged_ = true; // whether it is made or not: it is not tried again
  auto second = std::find_if(left_.begin(), left_.end(), [&](const untried& one) {
    return one.candidate != first.candidate && lets_pass(one.candidate, now)
           && one.not_before <= now;
  });
  if (second == left_.end() || !budget.take(now))
    return waits;
  return start(*second, now);
}

attempt_plan::advice attempt_plan::ask_next(instant now, const passes& lets_pass,
                                            retry_budget& budget) {
  auto earliest = instant::max();
  bool is_blocked = false, is_spent = false;
  for (auto& one : left_) {
    if (!lets_pass(one.candidate, now)) {
      is_blocked = true;
      continue;
    }
    if (one.tried > 0 && !budget.has_left(now)) {
      is_spent = true;
      continue;
    }
    if (one.not_before <= now) {
      if (one.tried > 0)
        budget.take(now);
      return start(one, now);
    }
    if (one.not_before >= deadline_)
      continue;
    if (!one.is_held)
      return {.kind = advice::what::wait, .until = one.not_before};
    earliest = std::min(earliest, one.not_before);
  }
  if (earliest != instant::max())
    return {.kind = advice::what::wait, .until = earliest};
  if (is_blocked)
    return wait_for_breakers(now);
  if (is_spent)
    return over(ec::none, "too many calls of this node fail to try it again");
  return over(ec::none, left_.empty() ? "" : "the time is too short to wait for it");
}

attempt_plan::advice attempt_plan::wait_for_breakers(instant now) {
  if (!blocked_since_)
    blocked_since_ = now;
  if (now - *blocked_since_ > limits::breaker_open_max)
    return over(ec::unavailable, "the calls of these models fail: nothing is sent to them for now");
  return {.kind = advice::what::wait, .until = std::min(now + look_again, deadline_)};
}

/// While others are left, it has a share of the time: one that hangs must not take all.
attempt_plan::advice attempt_plan::start(untried& one, instant now) {
  ++one.tried;
  blocked_since_.reset();
  attempts_.push_back({.candidate = one.candidate, .began = now, .ended = {}, .why = {}});
  advice made{.kind = advice::what::start,
              .candidate = one.candidate,
              .attempt = count(),
              .until = instant::max()};
  if (deadline_ != instant::max() && left_.size() > 1)
    made.until = now + (deadline_ - now) / static_cast<std::int64_t>(left_.size());
  return made;
}

attempt_plan::advice attempt_plan::over(ec code, std::string why) {
  if (!std::exchange(is_over_, true))
    ended_by_ = {code, std::move(why)};
  return {};
}

void attempt_plan::draw_pauses(instant now, std::uint64_t random) {
  for (auto& one : left_) {
    if (!std::exchange(one.needs_pause, false))
      continue;
    auto most = longest_pause(terms_, one.tried);
    auto pause = std::max(random_part(most, random), one.retry_after);
    one.not_before = now + pause;
  }
}

// -- what has happened ----------------------------------------------------------------------------

void attempt_plan::end(std::uint32_t number, instant now, failure why) {
  auto& ended = find(number);
  assert(!ended.ended);
  ended.ended = now;
  ended.why = std::move(why);
}

void attempt_plan::began_to_answer(std::uint32_t attempt) {
  assert(!find(attempt).ended);
  answering_ = attempt;
}

void attempt_plan::failed(std::uint32_t attempt, instant now, attempt_failure why) {
  auto choice = choose_retry(why);
  bool was_silent = why.why.code == ec::timed_out;
  bool is_held = why.status == too_many_requests || why.retry_after;
  auto retry_after = why.retry_after.value_or(nanoseconds{0});
  end(attempt, now, std::move(why.why));
  if (attempt == answering_ || choice == retry_choice::never) {
    answering_ = 0;
    is_over_ = true; // what was passed on cannot be taken back
    return;
  }
  auto of = std::find_if(left_.begin(), left_.end(), [&](const untried& one) {
    return one.candidate == candidate_of(attempt);
  });
  if (of == left_.end())
    return;
  if (choice == retry_choice::elsewhere || of->tried >= terms_.each) {
    left_.erase(of);
    return;
  }
  of->needs_pause = true;
  of->retry_after = retry_after;
  of->is_held = is_held;
  if (was_silent) // it would take its share of the time again
    std::rotate(of, of + 1, left_.end());
}

void attempt_plan::called_off(std::uint32_t attempt, instant now) {
  end(attempt, now, {ec::cancelled, "it was called off"});
}

void attempt_plan::not_accepted(std::uint32_t attempt, instant now, std::string why) {
  end(attempt, now, {ec::none, std::move(why)});
  find(attempt).is_poor = true;
  left_.erase(
      std::remove_if(left_.begin(), left_.end(),
                     [&](const untried& one) { return one.candidate == candidate_of(attempt); }),
      left_.end());
}

std::vector<std::uint32_t> attempt_plan::running() const {
  std::vector<std::uint32_t> all;
  for (std::uint32_t number = 1; number <= count(); ++number)
    if (!find(number).ended)
      all.push_back(number);
  return all;
}

// -- what the caller hears ------------------------------------------------------------------------

failure attempt_plan::error(const std::function<std::string(std::uint16_t)>& title) const {
  auto last = std::find_if(attempts_.rbegin(), attempts_.rend(),
                           [](const attempt_record& one) { return one.ended && !one.is_poor; });
  auto code = ended_by_.code != ec::none ? ended_by_.code
              : last != attempts_.rend() ? last->why.code
                                         : ec::unavailable;
  if (attempts_.size() == 1 && last != attempts_.rend() && ended_by_.message.empty())
    return {code, last->why.message};
  if (attempts_.empty())
    return {code, "no model was asked: " + ended_by_.message};
  std::string words = "no model answered in " + count_of(attempts_.size(), "attempt") + ": ";
  for (std::uint32_t number = 1; number <= count(); ++number) {
    const auto& one = find(number);
    words += (number == 1 ? "" : "; ") + std::to_string(number) + ". " + title(one.candidate);
    if (!one.ended)
      words += " has not answered";
    else
      words += " after " + time_text(*one.ended - one.began) + ": " + one.why.message;
  }
  if (!ended_by_.message.empty())
    words += "; " + ended_by_.message;
  return {code, std::move(words)};
}

bool attempt_plan::invariants() const {
  auto asked = running().size();
  bool once = std::all_of(left_.begin(), left_.end(), [&](const untried& one) {
    return one.tried <= terms_.each
           && std::count_if(left_.begin(), left_.end(), [&](const untried& other) {
                return other.candidate == one.candidate;
              }) == 1;
  });
  return once && asked <= 2 && (asked < 2 || was_hedged_) && attempts_.size() <= terms_.all
         && (answering_ == 0 || !find(answering_).ended);
}

} // namespace troupe
