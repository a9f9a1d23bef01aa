#include "actors/llm/pacing/provider_pace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <string>

namespace troupe {
namespace {

using namespace std::chrono_literals;
using instant = provider_pace::instant;

constexpr instant beginning{1'000s};
constexpr std::chrono::system_clock::time_point wall{};

limit_headers told(const char* remaining_requests, const char* reset = "6s") {
  limit_headers made;
  made.take("x-ratelimit-limit-requests", "60", wall);
  made.take("x-ratelimit-remaining-requests", remaining_requests, wall);
  made.take("x-ratelimit-reset-requests", reset, wall);
  return made;
}

TEST(limit_headers, of_openai_are_read) {
  limit_headers made;
  EXPECT_TRUE(made.take("X-RateLimit-Limit-Requests", " 60 ", wall));
  EXPECT_TRUE(made.take("x-ratelimit-remaining-tokens", "149984", wall));
  EXPECT_TRUE(made.take("x-ratelimit-reset-tokens", "6m0s", wall));
  EXPECT_FALSE(made.take("x-request-id", "60", wall));
  EXPECT_FALSE(made.take("x-ratelimit-requests", "60", wall));
  EXPECT_EQ(made.requests().limit, 60u);
  EXPECT_EQ(made.requests().remaining, std::nullopt);
  EXPECT_EQ(made.tokens().remaining, 149'984u);
  EXPECT_EQ(made.tokens().reset, 6min);
}

TEST(limit_headers, of_anthropic_are_read) {
  auto now = *parse_rfc3339("2026-11-28T03:40:00Z");
  limit_headers made;
  made.take("anthropic-ratelimit-requests-limit", "50", now);
  made.take("anthropic-ratelimit-requests-remaining", "49", now);
  made.take("anthropic-ratelimit-requests-reset", "2026-11-28T03:40:30Z", now);
  made.take("anthropic-ratelimit-input-tokens-remaining", "40000", now);
  made.take("anthropic-ratelimit-output-tokens-remaining", "1", now);
  EXPECT_EQ(made.requests(), (told_limit{50, 49, 30s}));
  EXPECT_EQ(made.tokens().remaining, 40'000u);
}

TEST(limit_headers, that_cannot_be_read_say_nothing) {
  limit_headers made;
  for (auto value : {"", "many", "-1", "1e9", "99999999999999999999", "12 "})
    made.take("x-ratelimit-remaining-requests", value, wall);
  EXPECT_EQ(made.requests().remaining, 12u) << "the last one can";
  for (auto value : {"", "s", "1x", "-1s", "nan", "inf", "1e300h", "1s2"})
    EXPECT_FALSE(parse_go_duration(value)) << value;
  EXPECT_EQ(parse_go_duration("1h2m3.5s"), 1h + 2min + 3500ms);
  EXPECT_EQ(parse_go_duration("20ms"), 20ms);
  EXPECT_EQ(parse_go_duration("7"), 7s);
  for (auto value : {"2026-11-28", "2026-13-28T00:00:00Z", "2026-11-28T24:00:00Z",
                     "2026-11-28T00:00:00", "2026-02-30T00:00:00Z", "x"})
    EXPECT_FALSE(parse_rfc3339(value)) << value;
  EXPECT_EQ(parse_rfc3339("2026-11-28T02:00:00.123+02:00"), parse_rfc3339("2026-11-28T00:00:00Z"));
}

TEST(a_pace, holds_nothing_back_before_something_is_known) {
  provider_pace pace;
  for (int call = 0; call < 1'000; ++call) {
    EXPECT_FALSE(pace.waits(beginning, 1'000'000));
    pace.began(beginning, 1'000'000);
  }
}

TEST(a_pace, lets_as_many_go_as_remain_and_then_as_they_grow) {
  provider_pace pace;
  pace.began(beginning, 0);
  pace.heard(beginning, 0, told("2", "58s"));
  pace.ended(beginning, 0, 0);
  for (int call = 0; call < 2; ++call) {
    ASSERT_FALSE(pace.waits(beginning, 0)) << call;
    pace.began(beginning, 0);
  }
  EXPECT_EQ(pace.waits(beginning, 0), beginning + 1s) << "58 come back in 58 seconds";
  EXPECT_FALSE(pace.waits(beginning + 1s, 0));
  EXPECT_TRUE(pace.invariants());
}

TEST(a_pace, counts_the_tokens_that_a_call_really_took) {
  limit_headers told_tokens;
  told_tokens.take("x-ratelimit-limit-tokens", "6000", wall);
  told_tokens.take("x-ratelimit-remaining-tokens", "1000", wall);
  told_tokens.take("x-ratelimit-reset-tokens", "50s", wall);
  provider_pace pace;
  pace.began(beginning, 10);
  pace.heard(beginning, 10, told_tokens);
  pace.ended(beginning, 10, 10);
  EXPECT_FALSE(pace.waits(beginning, 1'000));
  pace.began(beginning, 1'000);
  EXPECT_EQ(pace.waits(beginning, 100), beginning + 1s);
  pace.heard(beginning, 1'000, {});
  pace.ended(beginning, 1'000, 200);
  EXPECT_FALSE(pace.waits(beginning, 800));
  EXPECT_TRUE(pace.waits(beginning, 900));
  EXPECT_EQ(pace.waits(beginning, 1'000'000), beginning + 52s) << "when all are there, it may go";
}

TEST(a_pace, stops_after_a_429_and_longer_after_the_next) {
  provider_pace pace;
  pace.began(beginning, 0);
  pace.began(beginning, 0);
  pace.refused(beginning, beginning + 1ms, 0, {}, {});
  EXPECT_EQ(pace.waits(beginning + 1ms, 0), beginning + 1s + 1ms);
  pace.refused(beginning, beginning + 2ms, 0, {}, {});
  EXPECT_EQ(pace.waits(beginning + 2ms, 0), beginning + 1s + 1ms) << "it was on its way already";
  pace.began(beginning + 2s, 0);
  pace.refused(beginning + 2s, beginning + 2s, 0, {}, {});
  EXPECT_EQ(pace.waits(beginning + 2s, 0), beginning + 4s);
  pace.began(beginning + 4s, 0);
  pace.refused(beginning + 4s, beginning + 4s, 0, 30s, {});
  EXPECT_EQ(pace.waits(beginning + 4s, 0), beginning + 34s) << "Retry-After";
  pace.began(beginning + 34s, 0);
  pace.heard(beginning + 34s, 0, {});
  pace.ended(beginning + 34s, 0, 0);
  EXPECT_FALSE(pace.waits(beginning + 34s, 0));
  EXPECT_TRUE(pace.invariants());
}

/// A provider that takes 60 requests a minute, at most ten at once.
struct limited_provider {
  double stock = 10;
  instant at = beginning;
  int answered = 0, refused = 0;

  bool take(instant now) {
    stock = std::min(10.0, stock + std::chrono::duration<double>(now - at).count());
    at = now;
    bool may = stock >= 1;
    stock -= may;
    ++(may ? answered : refused);
    return may;
  }
  limit_headers headers() const {
    limit_headers made;
    made.take("x-ratelimit-limit-requests", "10", wall);
    made.take("x-ratelimit-remaining-requests", std::to_string(static_cast<int>(stock)), wall);
    made.take("x-ratelimit-reset-requests", std::to_string(10 - stock) + "s", wall);
    return made;
  }
};

TEST(a_pace, keeps_two_nodes_with_one_key_from_being_refused_and_from_waiting_too_long) {
  limited_provider provider;
  provider_pace nodes[2];
  for (auto& node : nodes)
    node.share_among(2);
  for (auto now = beginning; now < beginning + 300s; now += 50ms) {
    auto& node = nodes[(now - beginning) / 50ms % 2];
    if (node.waits(now, 0))
      continue;
    node.began(now, 0);
    if (provider.take(now))
      node.heard(now, 0, provider.headers());
    else
      node.refused(now, now, 0, {}, provider.headers());
  }
  std::cout << provider.answered << " answered of 310 possible, " << provider.refused
            << " refused\n";
  EXPECT_GE(provider.answered, 310 * 80 / 100);
  EXPECT_LE(provider.refused, provider.answered / 10);
}

} // namespace
} // namespace troupe
