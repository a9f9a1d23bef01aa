#pragma once

#include <algorithm>
#include <chrono>

namespace troupe::tests {

/// The least and the most time of five tries.
///
/// The problem: a machine that is busy with other things makes every single time long, but code
/// that looks only now and then makes all of them long. So a test compares the best try with what
/// is promised, and the worst with what no busy machine explains.
struct times_of_tries {
  std::chrono::nanoseconds best = std::chrono::nanoseconds::max();
  std::chrono::nanoseconds worst{0};
};

/// What a try returns when that which was waited for did not happen.
inline constexpr std::chrono::nanoseconds never = std::chrono::nanoseconds::max();

/// `once` returns how long it took.
template <class Try>
times_of_tries best_of_tries(Try once) {
  constexpr int tries = 5;
  times_of_tries all;
  for (int i = 0; i < tries; ++i) {
    std::chrono::nanoseconds took = once();
    all.best = std::min(all.best, took);
    all.worst = std::max(all.worst, took);
    if (took == never)
      break;
  }
  return all;
}

} // namespace troupe::tests
