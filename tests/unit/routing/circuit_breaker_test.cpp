#include "actors/llm/failing/circuit_breaker.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using namespace std::chrono_literals;
using instant = circuit_breaker::instant;
using state = circuit_breaker::state;

constexpr instant opening{1'000s};

circuit_breaker opened() {
  circuit_breaker made;
  for (int i = 0; i < 5; ++i)
    made.failed(opening);
  return made;
}

TEST(circuit_breaker, opens_after_five_failures_in_a_row) {
  circuit_breaker made;
  for (int i = 0; i < 4; ++i)
    made.failed(opening);
  made.succeeded(opening);
  for (int i = 0; i < 4; ++i)
    made.failed(opening);
  EXPECT_EQ(made.now(opening), state::closed);
  made.failed(opening);
  EXPECT_EQ(made.now(opening), state::open);
  EXPECT_FALSE(made.lets_pass(opening));
  EXPECT_TRUE(made.invariants());
}

TEST(circuit_breaker, opens_when_half_of_the_calls_fail) {
  circuit_breaker made;
  for (int i = 0; i < 4; ++i) {
    made.failed(opening);
    made.succeeded(opening);
  }
  made.succeeded(opening);
  EXPECT_EQ(made.now(opening), state::closed) << "nine calls are too few to tell";
  made.failed(opening);
  EXPECT_EQ(made.now(opening), state::open);
}

TEST(circuit_breaker, forgets_what_was_long_ago) {
  circuit_breaker made;
  for (int i = 0; i < 10; ++i) {
    auto at = opening + i * 11s;
    made.failed(at);
    if (i % 2 == 1)
      made.succeeded(at);
  }
  EXPECT_EQ(made.now(opening + 110s), state::closed);
}

TEST(circuit_breaker, lets_one_probe_through_and_no_second_one) {
  auto made = opened();
  EXPECT_EQ(made.now(opening + 999ms), state::open);
  EXPECT_EQ(made.now(opening + 1s), state::half_open);
  EXPECT_TRUE(made.begin(opening + 1s));
  EXPECT_FALSE(made.lets_pass(opening + 1s));
  EXPECT_FALSE(made.begin(opening + 1s));
  made.succeeded(opening + 2s);
  EXPECT_EQ(made.now(opening + 2s), state::closed);
  EXPECT_TRUE(made.invariants());
}

TEST(circuit_breaker, waits_longer_after_each_probe_that_fails) {
  auto made = opened();
  auto at = opening + 1s;
  for (auto pause : {2s, 4s, 4s, 4s}) {
    ASSERT_TRUE(made.begin(at));
    made.failed(at);
    EXPECT_EQ(made.now(at + pause - 1ms), state::open);
    at += pause;
    EXPECT_EQ(made.now(at), state::half_open);
  }
}

TEST(circuit_breaker, does_not_count_calls_that_began_before_it_opened) {
  auto made = opened();
  made.failed(opening + 900ms);
  EXPECT_EQ(made.now(opening + 1s), state::half_open);
}

TEST(circuit_breaker, frees_the_place_of_a_probe_that_told_nothing) {
  auto made = opened();
  made.told_nothing(made.begin(opening + 1s));
  EXPECT_EQ(made.now(opening + 1s), state::half_open);
  EXPECT_TRUE(made.begin(opening + 1s));
  EXPECT_EQ(made.now(opening + 60s), state::probing);
  EXPECT_EQ(made.now(opening + 61s), state::half_open) << "it was not heard of any more";
}

} // namespace
} // namespace troupe
