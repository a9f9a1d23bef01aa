#include "actors/llm/failing/retry_budget.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::uint64_t hundred = 100;

} // namespace

retry_budget::slice& retry_budget::current(instant now) {
  constexpr auto length =
      std::chrono::nanoseconds{limits::retry_window} / static_cast<std::int64_t>(slices);
  auto number = static_cast<std::int64_t>(now.time_since_epoch() / length);
  auto& one = slices_[static_cast<std::size_t>(number) % slices];
  if (one.number != number)
    one = {number, 0, 0};
  return one;
}

void retry_budget::call_began(instant now) { ++current(now).calls; }

bool retry_budget::has_left(instant now) {
  auto oldest = current(now).number - static_cast<std::int64_t>(slices);
  std::uint64_t calls = 0, retries = 0;
  for (const auto& one : slices_)
    if (one.number > oldest) {
      calls += one.calls;
      retries += one.retries;
    }
  return retries < std::max<std::uint64_t>(free_, calls * percent_ / hundred);
}

bool retry_budget::take(instant now) {
  if (!has_left(now))
    return false;
  ++current(now).retries;
  return true;
}

} // namespace troupe
