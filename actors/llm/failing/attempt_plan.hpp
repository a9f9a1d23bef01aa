#pragma once

#include "actors/llm/failing/circuit_breaker.hpp"
#include "actors/llm/failing/retry_budget.hpp"
#include "actors/llm/failing/retry_choice.hpp"
#include "config/routes.hpp"
#include "messages/errors.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// The attempts of one call, within its one deadline: which candidate is asked when, and what the
/// caller hears if nobody answers. A state machine without a clock; service::models drives it.
///
///     next(now) -> start a candidate | wait until | over
///
/// - It begins with the first candidate and goes on to the others: at once where that one will fail
///   again (`retry_choice::elsewhere`), else when it has been asked `each` times. It is given only
///   those that can answer the call, so a fallback keeps what the caller meant.
/// - Before it asks the same one again it waits: a random part of a pause that doubles ("full
///   jitter": Brooker, "Exponential Backoff And Jitter", AWS 2015), and at least what `Retry-After`
///   said. Of one that has got too many requests, or says when to come back, the next one is asked
///   instead; if nobody else is left, it is waited for as long as the deadline allows.
/// - A candidate whose breaker lets nothing pass is passed over. If that holds for all, the call
///   waits for one, up to `breaker_open_max`: then a provider that has recovered was found.
/// - Whoever is asked again takes from the budget of the node (retry_budget.hpp). When that is
///   spent, only those are asked whom the call has not asked.
/// - While others are left, an attempt has only its share of the time for its first piece. One that
///   was silent for so long is asked again after the others, if at all.
/// - When the first piece has been passed on, nothing is tried any more.
/// - With `hedge`, a call without a first piece after that time is sent to the next candidate as
///   well. Who answers first wins; the other one is to be called off. Both cost money.
class attempt_plan {
public:
  using instant = circuit_breaker::instant;

  /// What is to be done now.
  struct advice {
    enum class what : std::uint8_t {
      start, ///< ask `candidate`; the attempt's number is `attempt`
      wait,  ///< nothing before `until`: then ask again, or when an attempt has ended
      over,  ///< nobody else is asked; `error` says why
    };
    what kind = what::over;
    std::uint16_t candidate = 0;
    std::uint32_t attempt = 0; ///< from 1
    /// `wait`: nothing before that. `start`: its first piece has to be there then, else it has
    /// `failed`; `instant::max()`: there is no such moment.
    instant until = instant::max();
  };

  /// `lets_pass`: whether the breaker of a candidate would let a call pass at that moment.
  using passes = std::function<bool(std::uint16_t candidate, instant now)>;

  /// `order`: those who can answer, the first first; not empty. `deadline`: `instant::max()` if the
  /// caller waits for ever.
  attempt_plan(const std::vector<std::uint16_t>& order, const attempt_limits& terms,
               instant deadline);

  /// `random` is uniform over all values. The caller starts what it is told to start, and asks
  /// again until it hears `wait` or `over`.
  advice next(instant now, const passes& lets_pass, retry_budget& budget, std::uint64_t random);

  /// An attempt's first piece was passed on: all others are to be called off.
  void began_to_answer(std::uint32_t attempt);
  /// It ended without an answer.
  void failed(std::uint32_t attempt, instant now, attempt_failure why);
  /// Another one answers, or the caller has gone: it is called off and tells nothing.
  void called_off(std::uint32_t attempt, instant now);
  /// Its answer was too poor (a cascade): the next candidate is asked, without the budget.
  void not_accepted(std::uint32_t attempt, instant now, std::string why);

  /// Attempts on their way; with a hedge there are two.
  std::vector<std::uint32_t> running() const;
  std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(attempts_.size()); }
  std::uint16_t candidate_of(std::uint32_t attempt) const { return find(attempt).candidate; }

  /// The caller's one error, which names every attempt: "nobody answered in 3 attempts: a/b after
  /// 12 ms: overloaded, ...; c/d ...". `title` names a candidate.
  failure error(const std::function<std::string(std::uint16_t)>& title) const;

  bool invariants() const;

private:
  struct attempt_record {
    std::uint16_t candidate = 0;
    instant began{};
    std::optional<instant> ended;
    failure why;
    bool is_poor = false; ///< it was answered, and the answer was not accepted
  };
  /// A candidate that may still be asked.
  struct untried {
    std::uint16_t candidate = 0;
    std::uint32_t tried = 0;
    bool needs_pause = false; ///< it has failed, and its pause is not drawn yet
    bool is_held = false;     ///< its provider wants it to wait: rather ask the next one
    instant not_before{};
    std::chrono::nanoseconds retry_after{0};
  };

  const attempt_record& find(std::uint32_t number) const { return attempts_.at(number - 1); }
  attempt_record& find(std::uint32_t number) { return attempts_.at(number - 1); }
  void end(std::uint32_t number, instant now, failure why);
  void draw_pauses(instant now, std::uint64_t random);
  advice start(untried& one, instant now);
  advice over(ec code, std::string why);
  advice hedge_or_wait(instant now, const passes& lets_pass, retry_budget& budget);
  advice ask_next(instant now, const passes& lets_pass, retry_budget& budget);
  advice wait_for_breakers(instant now);

  attempt_limits terms_;
  instant deadline_;
  std::vector<untried> left_; ///< the next first
  std::vector<attempt_record> attempts_;
  bool is_over_ = false;
  std::uint32_t answering_ = 0; ///< the attempt whose first piece was passed on; 0: none
  bool was_hedged_ = false;
  std::optional<instant> blocked_since_; ///< no breaker lets the call pass
  failure ended_by_;                     ///< why no more is tried, beside what the attempts say
};

} // namespace troupe
