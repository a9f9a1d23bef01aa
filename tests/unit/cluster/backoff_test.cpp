#include "actors/cluster/backoff.hpp"

#include <gtest/gtest.h>

namespace troupe {

using namespace std::chrono_literals;

constexpr std::uint64_t most = 999'999'999'999; ///< random number that gives the longest pause

TEST(backoff, doubles_its_bound_up_to_the_longest) {
  backoff pauses{10ms, 100ms};
  for (auto longest : {9ms, 19ms, 39ms, 79ms, 99ms, 99ms})
    EXPECT_EQ(pauses.next(most), longest);
}

TEST(backoff, draws_from_the_whole_range) {
  for (std::uint64_t random = 0; random < 10; ++random)
    EXPECT_EQ(backoff(10ms, 100ms).next(random), std::max(1ms, 1ms * static_cast<int>(random)));
}

TEST(backoff, begins_anew_after_it_went_well) {
  backoff pauses{10ms, 100ms};
  for (int i = 0; i < 5; ++i)
    pauses.next(0);
  pauses.reset();
  EXPECT_EQ(pauses.next(9), 9ms);
  EXPECT_EQ(pauses.next(19), 19ms);
}

} // namespace troupe
