#include "actors/llm/failing/circuit_breaker.hpp"

#include <algorithm>

namespace troupe {

circuit_breaker::state circuit_breaker::now(instant at) const {
  if (!is_open_)
    return state::closed;
  if (is_probing_ && at - probing_since_ < limits::breaker_probe_time)
    return state::probing;
  return at < until_ ? state::open : state::half_open;
}

bool circuit_breaker::begin(instant at) {
  if (now(at) != state::half_open)
    return false;
  is_probing_ = true;
  probing_since_ = at;
  return true;
}

void circuit_breaker::succeeded(instant at) {
  in_a_row_ = 0;
  if (is_open_) {
    is_open_ = is_probing_ = false;
    opened_ = 0;
    window_began_ = at;
    calls_ = failures_ = 0;
    return;
  }
  count(at, false);
}

void circuit_breaker::failed(instant at) {
  if (is_open_) { // of a probe, or of a call that began before it opened
    if (is_probing_)
      open(at);
    return;
  }
  ++in_a_row_;
  count(at, true);
  constexpr std::uint32_t hundred = 100;
  if (in_a_row_ >= limits::breaker_failures
      || (calls_ >= limits::breaker_calls_min
          && failures_ * hundred >= calls_ * limits::breaker_failed_percent))
    open(at);
}

void circuit_breaker::told_nothing(bool was_probe) {
  if (was_probe)
    is_probing_ = false;
}

void circuit_breaker::open(instant at) {
  constexpr std::uint32_t doublings_max = 16;
  std::chrono::nanoseconds pause = limits::breaker_open;
  pause *= std::int64_t{1} << std::min(opened_, doublings_max);
  is_open_ = true;
  is_probing_ = false;
  until_ = at + std::min<std::chrono::nanoseconds>(pause, limits::breaker_open_max);
  ++opened_;
}

void circuit_breaker::count(instant at, bool failed) {
  if (at - window_began_ > limits::breaker_window) {
    window_began_ = at;
    calls_ = failures_ = 0;
  }
  ++calls_;
  failures_ += failed;
}

bool circuit_breaker::invariants() const {
  return failures_ <= calls_ && (is_open_ || !is_probing_) && (is_open_ || opened_ == 0);
}

} // namespace troupe
