#include "config/limits/telemetry.hpp"
#include "telemetry/otlp_retry.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using namespace std::chrono_literals;

const auto now = std::chrono::system_clock::from_time_t(784'111'777); // 06 Nov 1994 08:49:37 GMT

TEST(otlp_retry, sends_again_only_what_may_be_sent_again) {
  for (unsigned status : {429u, 502u, 503u, 504u})
    EXPECT_TRUE(may_send_again({true, status, {}})) << status;
  for (unsigned status : {200u, 204u, 301u, 400u, 401u, 403u, 404u, 408u, 413u, 500u, 501u, 505u})
    EXPECT_FALSE(may_send_again({true, status, {}})) << status;
  EXPECT_TRUE(may_send_again({false, 0, {}}));
}

TEST(otlp_retry, reads_seconds_and_dates) {
  EXPECT_EQ(parse_retry_after("0", now), 0ms);
  EXPECT_EQ(parse_retry_after("120", now), 120s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:39 GMT", now), 2s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), 0ms); // already over
}

TEST(otlp_retry, reads_nothing_from_what_is_neither) {
  for (auto text : {"", "soon", "-1", "1.5", "3 seconds", "Sun, 06 Nov 1994 08:49:39 GMT?"})
    EXPECT_FALSE(parse_retry_after(text, now)) << text;
  EXPECT_GT(*parse_retry_after("99999999999999999999", now), 1h);
}

TEST(otlp_retry, waits_twice_as_long_each_time_up_to_a_bound) {
  for (std::uint64_t random : {0ull, 1ull, 12'345ull, ~0ull}) {
    auto longest = std::chrono::milliseconds{limits::otlp_backoff_min};
    for (std::uint32_t attempts = 1; attempts <= 40; ++attempts) {
      auto delay = delay_before_retry(attempts, random, {});
      EXPECT_LE(delay, longest) << attempts;
      EXPECT_GE(delay, longest / 2) << attempts;
      longest = std::min<std::chrono::milliseconds>(longest * 2, limits::otlp_backoff_max);
    }
  }
  EXPECT_NE(delay_before_retry(3, 1, {}), delay_before_retry(3, 2, {})); // jitter
}

TEST(otlp_retry, obeys_the_collector_within_reason) {
  EXPECT_EQ(delay_before_retry(1, 0, 30s), 30s);
  EXPECT_GE(delay_before_retry(1, 0, 0s), 50ms);
  EXPECT_EQ(delay_before_retry(1, 0, 24h), limits::otlp_retry_after_max);
}

} // namespace
} // namespace troupe
