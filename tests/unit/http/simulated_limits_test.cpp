#include "nodes/simulate/simulated_limits.hpp"

#include "actors/llm/pacing/limit_headers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr simulated_limits::steady::time_point beginning{1'000s};
const simulated_limits::wall::time_point noon = *parse_rfc3339("2026-11-28T12:00:00Z");

TEST(simulated_limits, refuse_what_is_more_and_say_when_to_come_back) {
  simulated_limits all{{.requests = 2, .tokens = 0}};
  EXPECT_FALSE(all.take("a", 9, false, beginning, noon).is_refused);
  EXPECT_FALSE(all.take("a", 9, false, beginning, noon).is_refused);
  auto third = all.take("a", 9, false, beginning + 10s, noon);
  EXPECT_TRUE(third.is_refused);
  EXPECT_EQ(third.retry_after, 20s) << "two a minute";
  EXPECT_FALSE(all.take("b", 9, false, beginning + 10s, noon).is_refused) << "another key";
  EXPECT_FALSE(all.take("a", 9, false, beginning + 30s, noon).is_refused);
}

TEST(simulated_limits, count_tokens_too_and_let_a_call_of_all_of_them_go) {
  simulated_limits all{{.requests = 0, .tokens = 600}};
  EXPECT_FALSE(all.take("a", 400, false, beginning, noon).is_refused);
  auto second = all.take("a", 300, false, beginning, noon);
  EXPECT_TRUE(second.is_refused);
  EXPECT_EQ(second.retry_after, 10s) << "ten tokens a second";
  EXPECT_FALSE(all.take("b", 9'000, false, beginning, noon).is_refused);
}

TEST(simulated_limits, are_told_as_openai_tells_them) {
  simulated_limits all{{.requests = 60, .tokens = 1'000}};
  all.take("a", 10, false, beginning, noon);
  auto told = all.take("a", 10, false, beginning, noon).told;
  EXPECT_THAT(told, SizeIs(6));
  EXPECT_THAT(told, Contains(Pair("x-ratelimit-limit-requests", "60")));
  EXPECT_THAT(told, Contains(Pair("x-ratelimit-remaining-requests", "58")));
  EXPECT_THAT(told, Contains(Pair("x-ratelimit-reset-requests", "2s")));
  EXPECT_THAT(told, Contains(Pair("x-ratelimit-remaining-tokens", "980")));
  EXPECT_THAT(told, Contains(Pair("x-ratelimit-reset-tokens", "1.200s")));
}

TEST(simulated_limits, are_told_as_anthropic_tells_them) {
  simulated_limits all{{.requests = 60, .tokens = 0}};
  auto told = all.take("a", 10, true, beginning, noon + 1ms).told;
  EXPECT_THAT(told, Contains(Pair("anthropic-ratelimit-requests-limit", "60")));
  EXPECT_THAT(told, Contains(Pair("anthropic-ratelimit-requests-remaining", "59")));
  EXPECT_THAT(told, Contains(Pair("anthropic-ratelimit-requests-reset", "2026-11-28T12:00:02Z")));
}

/// Both sides of the wire mean the same.
TEST(simulated_limits, are_read_by_nodes) {
  simulated_limits all{{.requests = 60, .tokens = 1'000}};
  for (bool anthropic : {false, true}) {
    limit_headers read;
    for (const auto& [called, value] : all.take("a", 100, anthropic, beginning, noon).told)
      EXPECT_TRUE(read.take(called, value, noon)) << called;
    EXPECT_EQ(read.requests().limit, 60u);
    EXPECT_EQ(read.tokens().limit, 1'000u);
    EXPECT_LE(read.tokens().remaining, 900u);
    EXPECT_GE(read.tokens().reset, 6s);
  }
}

TEST(simulated_limits, are_not_there_unless_somebody_says_so) {
  simulated_limits all{{}};
  EXPECT_TRUE(all.is_none());
  EXPECT_THAT(all.take("a", 10, false, beginning, noon).told, IsEmpty());
}

} // namespace
} // namespace troupe
