#include "actors/llm/pacing/provider_pace.hpp"

#include "config/limits/pacing.hpp"

#include <algorithm>
#include <cmath>

namespace troupe {

namespace {

using std::chrono::nanoseconds;

double seconds_of(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

/// Never nothing: who waits would ask again at once.
nanoseconds at_least_a_millisecond(double seconds) {
  auto time = std::chrono::round<nanoseconds>(std::chrono::duration<double>{seconds});
  return std::max<nanoseconds>(time, std::chrono::milliseconds{1});
}

} // namespace

// -- a stock --------------------------------------------------------------------------------------

double provider_pace::stock::left_at(instant now) const {
  return std::min(limit, left + per_second * std::max(0.0, seconds_of(now - at)));
}

/// What is on its way may be counted by the provider or not; it is counted here, to be safe.
void provider_pace::stock::learn(const told_limit& told, instant now, std::uint32_t nodes,
                                 double on_their_way) {
  if (!told.remaining)
    return;
  auto remaining = static_cast<double>(*told.remaining);
  limit = told.limit ? static_cast<double>(*told.limit) : std::max(limit, remaining);
  left = remaining / nodes - on_their_way;
  auto missing = std::max(0.0, limit - remaining);
  auto window = seconds_of(limits::pace_window);
  auto reset = told.reset ? seconds_of(*told.reset) : window;
  auto growth = reset > 0 && missing > 0 ? missing / reset : limit / window;
  per_second = std::max(growth, limit / window / 1'000) / nodes;
  at = now;
  is_known = limit > 0;
}

void provider_pace::stock::use(instant now, double amount) {
  if (!is_known)
    return;
  left = left_at(now) - amount;
  at = std::max(at, now);
}

std::optional<provider_pace::instant> provider_pace::stock::has(instant now, double amount) const {
  if (!is_known)
    return std::nullopt;
  auto lacks = std::min(amount, limit) - left_at(now);
  if (lacks <= 1e-9 * limit)
    return std::nullopt;
  return now + at_least_a_millisecond(lacks / per_second);
}

// -- the pace -------------------------------------------------------------------------------------

std::optional<provider_pace::instant> provider_pace::waits(instant now,
                                                           std::uint64_t tokens) const {
  auto until = now;
  if (stopped_until_ > now)
    until = stopped_until_;
  for (auto there : {requests_.has(now, 1), tokens_.has(now, static_cast<double>(tokens))})
    if (there)
      until = std::max(until, *there);
  return until == now ? std::nullopt : std::optional{until};
}

void provider_pace::began(instant now, std::uint64_t tokens) {
  requests_.use(now, 1);
  tokens_.use(now, static_cast<double>(tokens));
  ++calls_out_;
  tokens_out_ += tokens;
}

void provider_pace::heard(instant now, std::uint64_t expected, const limit_headers& told) {
  failed(expected);
  if (now >= stopped_until_) // otherwise it went before the 429
    refusals_ = 0;
  learn(told, now);
}

void provider_pace::ended(instant now, std::uint64_t expected, std::uint64_t tokens) {
  tokens_.use(now, static_cast<double>(tokens) - static_cast<double>(expected));
}

void provider_pace::refused(instant began, instant now, std::uint64_t expected,
                            std::optional<nanoseconds> retry_after, const limit_headers& told) {
  failed(expected);
  learn(told, now);
  if (retry_after)
    retry_after = std::min<nanoseconds>(*retry_after, limits::retry_after_max);
  if (began >= refused_at_) { // those that were on their way tell the same once more
    constexpr std::uint32_t doublings_max = 16;
    nanoseconds pause = limits::pace_pause;
    pause *= std::int64_t{1} << std::min(refusals_, doublings_max);
    ++refusals_;
    refused_at_ = now;
    stopped_until_ =
        std::max(stopped_until_, now + std::min<nanoseconds>(pause, limits::pace_pause_max));
    if (retry_after)
      stopped_until_ = now + *retry_after;
  } else if (retry_after) {
    stopped_until_ = std::max(stopped_until_, now + *retry_after);
  }
}

void provider_pace::failed(std::uint64_t expected) {
  calls_out_ -= std::min<std::uint64_t>(calls_out_, 1);
  tokens_out_ -= std::min(tokens_out_, expected);
}

void provider_pace::learn(const limit_headers& told, instant now) {
  requests_.learn(told.requests(), now, nodes_, static_cast<double>(calls_out_));
  tokens_.learn(told.tokens(), now, nodes_, static_cast<double>(tokens_out_));
}

provider_pace::known_limits provider_pace::known(instant now) const {
  auto whole = [](double amount) { return static_cast<std::uint64_t>(std::max(0.0, amount)); };
  known_limits told;
  if (requests_.is_known) {
    told.requests = whole(requests_.limit);
    told.requests_left = whole(requests_.left_at(now));
  }
  if (tokens_.is_known) {
    told.tokens = whole(tokens_.limit);
    told.tokens_left = whole(tokens_.left_at(now));
  }
  return told;
}

bool provider_pace::invariants() const {
  auto fine = [](const stock& one) {
    return !one.is_known || (one.left <= one.limit && one.per_second > 0 && one.limit > 0);
  };
  return fine(requests_) && fine(tokens_) && nodes_ > 0 && (calls_out_ > 0 || tokens_out_ == 0);
}

} // namespace troupe
