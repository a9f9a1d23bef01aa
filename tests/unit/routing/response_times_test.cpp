#include "actors/llm/routing/response_times.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>
#include <vector>

namespace troupe {
namespace {

using namespace std::chrono_literals;
using instant = response_times::instant;

TEST(response_times, follow_what_is_measured_now) {
  response_times times{1};
  EXPECT_EQ(times.average(0), 0ns);
  times.measured(0, 100ms, instant{1s});
  EXPECT_EQ(times.average(0), 100ms);
  for (int i = 0; i < 10; ++i)
    times.measured(0, 200ms, instant{1s});
  EXPECT_GT(times.average(0), 195ms);
  times.failed(0, 1ms, instant{1s});
  EXPECT_GT(times.average(0), 250ms) << "a failure is no fast answer";
}

TEST(response_times, ask_whoever_was_not_measured_for_long_one_call_in_ten) {
  response_times times{2};
  EXPECT_EQ(times.explore({0, 1}, instant{1s}), 0u) << "nothing is known of it";
  EXPECT_EQ(times.explore({0, 1}, instant{1s}), 1u);
  EXPECT_EQ(times.explore({0, 1}, instant{1s}), std::nullopt) << "both are asked already";
  times.measured(0, 10ms, instant{1s});
  times.measured(1, 20ms, instant{1s});
  int explored = 0;
  for (int call = 0; call < 100; ++call) {
    auto now = instant{10s + call * 1s};
    if (auto chosen = times.explore({0, 1}, now)) {
      ++explored;
      times.measured(*chosen, 20ms, now);
    }
  }
  EXPECT_EQ(explored, 10);
}

TEST(response_times, begin_anew_after_an_outage) {
  response_times times{1};
  times.measured(0, 100ms, instant{1s});
  for (int call = 0; call < 1'000; ++call)
    times.failed(0, 1ms, instant{2s});
  EXPECT_GT(times.average(0), 1s);
  EXPECT_LE(times.average(0), 1min) << "it does not grow without end";
  times.measured(0, 110ms, instant{3s});
  EXPECT_EQ(times.average(0), 110ms);
}

/// The fast one of two fails at once from 10 s to 55 s; 20 calls a second.
TEST(response_times, find_the_fastest_again_within_five_seconds_of_its_recovery) {
  response_times times{2};
  constexpr auto recovers = instant{55s};
  auto is_back_at = instant::max();
  for (auto now = instant{1s}; now < recovers + 60s && is_back_at == instant::max(); now += 50ms) {
    bool fails = now >= instant{10s} && now < recovers;
    std::size_t fastest = times.average(1) < times.average(0) ? 1 : 0;
    if (now >= recovers && fastest == 0)
      is_back_at = now;
    auto chosen = times.explore({0, 1}, now).value_or(fastest);
    if (chosen == 0 && fails)
      times.failed(0, 1ms, now);
    else
      times.measured(chosen, chosen == 0 ? 100ms : 300ms, now);
  }
  EXPECT_LE(is_back_at, recovers + 5s);
}

/// Three providers on simulated time; every 30 s another one is the best (100 ms, the others 300).
/// 20 calls a second. The median of what callers waited, against that of the best.
class race_of_three {
public:
  std::chrono::nanoseconds median(bool explores) {
    std::vector<std::chrono::nanoseconds> waited;
    std::multimap<instant, std::pair<std::size_t, std::chrono::nanoseconds>> running;
    for (auto now = instant{1s}; now < instant{301s}; now += 50ms) {
      for (; !running.empty() && running.begin()->first <= now; running.erase(running.begin()))
        times_.measured(running.begin()->second.first, running.begin()->second.second,
                        running.begin()->first);
      auto chosen = explores ? times_.explore({0, 1, 2}, now) : std::nullopt;
      if (!chosen)
        chosen = fastest();
      auto took = takes(*chosen, now);
      waited.push_back(took);
      running.emplace(now + took, std::pair{*chosen, took});
    }
    std::nth_element(waited.begin(), waited.begin() + waited.size() / 2, waited.end());
    return waited[waited.size() / 2];
  }

private:
  std::size_t fastest() const {
    std::size_t best = 0;
    for (std::size_t i = 1; i < 3; ++i)
      if (times_.average(i) < times_.average(best))
        best = i;
    return best;
  }
  std::chrono::nanoseconds takes(std::size_t who, instant now) {
    auto best = static_cast<std::size_t>(now.time_since_epoch() / 30s) % 3;
    auto base = who == best ? 100ms : 300ms;
    return base * (90 + random_() % 21) / 100;
  }

  response_times times_{3};
  std::minstd_rand random_{7};
};

TEST(response_times, find_the_best_again_when_it_changes) {
  auto median = race_of_three{}.median(true);
  std::cout << "median " << std::chrono::round<std::chrono::microseconds>(median).count()
            << " us, that of the best 100,000 us\n";
  EXPECT_LE(median, 105ms);
  EXPECT_GT(race_of_three{}.median(false), 105ms) << "without exploring it would not";
}

} // namespace
} // namespace troupe
