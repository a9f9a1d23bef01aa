#include "actors/llm/failing/retry_budget.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using namespace std::chrono_literals;
using instant = retry_budget::instant;

int taken(retry_budget& from, instant now) {
  int all = 0;
  while (from.take(now))
    ++all;
  return all;
}

TEST(retry_budget, has_a_few_however_few_calls_there_are) {
  retry_budget budget;
  EXPECT_EQ(taken(budget, instant{1'000s}), 10);
  EXPECT_EQ(taken(budget, instant{1'005s}), 0);
  EXPECT_EQ(taken(budget, instant{1'010s}), 10) << "in the next window";
}

TEST(retry_budget, is_a_tenth_of_the_calls) {
  retry_budget budget;
  for (int call = 0; call < 1'000; ++call)
    budget.call_began(instant{1'000s + call * 5ms});
  EXPECT_EQ(taken(budget, instant{1'005s}), 100);
  EXPECT_FALSE(budget.has_left(instant{1'005s}));
  EXPECT_EQ(taken(budget, instant{1'030s}), 10) << "the calls were long ago";
}

TEST(retry_budget, bounds_all_calls_of_an_outage_to_a_tenth_more) {
  retry_budget budget;
  int calls = 0, retries = 0;
  for (auto now = instant{1'000s}; now < instant{1'060s}; now += 2ms) {
    budget.call_began(now);
    ++calls;
    retries += budget.take(now) + budget.take(now); // each fails, and would be tried twice more
  }
  EXPECT_LE(retries, calls / 10 + 10);
  EXPECT_GE(retries, calls / 10 - calls / 50);
}

} // namespace
} // namespace troupe
