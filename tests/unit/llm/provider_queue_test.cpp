#include "actors/llm/provider_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <queue>
#include <random>
#include <string>
#include <vector>

namespace troupe {
namespace {

std::vector<std::uint64_t> all_turns(provider_queue& queue) {
  std::vector<std::uint64_t> turns;
  while (auto call = queue.next()) {
    turns.push_back(*call);
    queue.ended();
    EXPECT_TRUE(queue.invariants());
  }
  return turns;
}

TEST(provider_queue, lets_groups_take_turns_however_many_calls_one_has) {
  provider_queue queue{1, 100};
  for (std::uint64_t call = 1; call <= 5; ++call)
    queue.wait({"", "reader"}, call);
  queue.wait({"", "assistant"}, 10);
  queue.wait({"", "librarian"}, 20);
  queue.wait({"", "assistant"}, 11);
  EXPECT_THAT(all_turns(queue), ::testing::ElementsAre(10, 20, 1, 11, 2, 3, 4, 5));
}

TEST(provider_queue, lets_tenants_take_turns_however_many_roles_one_has) {
  provider_queue queue{1, 100};
  for (std::uint64_t call = 1; call <= 4; ++call)
    queue.wait({"big", "role-" + std::to_string(call)}, call);
  queue.wait({"small", "reader"}, 10);
  queue.wait({"small", "reader"}, 11);
  EXPECT_THAT(all_turns(queue), ::testing::ElementsAre(1, 10, 2, 11, 3, 4));
}

TEST(provider_queue, turns_away_those_who_have_most_waiting) {
  provider_queue queue{1, 4};
  queue.wait({"big", "reader"}, 1);
  ASSERT_EQ(queue.next(), 1u);
  for (std::uint64_t call = 2; call <= 5; ++call)
    queue.wait({"big", call == 5 ? "editor" : "reader"}, call);
  EXPECT_FALSE(queue.has_room());
  EXPECT_EQ(queue.most_patient({"big", "reader"}), std::nullopt) << "they have most themselves";
  EXPECT_EQ(queue.most_patient({"big", "librarian"}), 4u) << "of the same tenant";
  EXPECT_EQ(queue.most_patient({"small", "reader"}), 4u);
  queue.forget({"big", "reader"}, 4);
  queue.wait({"small", "reader"}, 6);
  EXPECT_EQ(queue.most_patient({"small", "reader"}), 3u);
  queue.forget({"big", "reader"}, 3);
  queue.wait({"small", "reader"}, 7);
  EXPECT_EQ(queue.most_patient({"small", "reader"}), std::nullopt) << "two and two";
  EXPECT_EQ(queue.most_patient({"other", "reader"}), 5u);
}

/// Calls of 50 to 150 ms through a provider that takes ten at once, on simulated time.
class queue_in_time {
public:
  explicit queue_in_time(bool fair) : fair_(fair) {}

  /// `flood`: another tenant asks ten times as much as the provider can do. The p99 of a tenant who
  /// asks twenty times a second, in ms.
  int p99(bool flood) {
    std::vector<int> took;
    for (int now = 0; now < 60'000; ++now) {
      for (; !ends_.empty() && ends_.top().first <= now; ends_.pop()) {
        if (auto call = ends_.top().second; call % 2 == 0)
          took.push_back(now - began_[call]);
        queue_.ended();
      }
      if (now % 50 == 0)
        ask("quiet", 2 * ++last_, now);
      if (flood)
        ask("loud", 2 * ++last_ + 1, now);
      while (auto call = queue_.next())
        ends_.emplace(now + 50 + static_cast<int>(random_() % 100), *call);
    }
    std::sort(took.begin(), took.end());
    return took.at(took.size() * 99 / 100);
  }

private:
  void ask(const char* tenant, std::uint64_t call, int now) {
    provider_queue::caller who{fair_ ? tenant : "all", "reader"};
    if (!queue_.has_room()) {
      auto out = queue_.most_patient(who);
      if (!out)
        return;
      EXPECT_TRUE(queue_.forget({*out % 2 == 0 ? "quiet" : "loud", "reader"}, *out));
    }
    began_[call] = now;
    queue_.wait(who, call);
  }

  using end = std::pair<int, std::uint64_t>;
  bool fair_;
  provider_queue queue_{10, 1'000};
  std::priority_queue<end, std::vector<end>, std::greater<>> ends_;
  std::map<std::uint64_t, int> began_;
  std::uint64_t last_ = 0;
  std::minstd_rand random_{7};
};

TEST(provider_queue, keeps_a_tenant_who_floods_it_from_starving_another) {
  auto alone = queue_in_time{true}.p99(false);
  auto beside_a_flood = queue_in_time{true}.p99(true);
  EXPECT_LE(beside_a_flood, 2 * alone) << alone << " ms alone";
  EXPECT_GT(queue_in_time{false}.p99(true), 2 * alone) << "without turns it would be";
}

TEST(provider_queue, runs_no_more_calls_at_once_than_it_may) {
  provider_queue queue{2, 1};
  for (std::uint64_t call = 1; call <= 3; ++call) {
    EXPECT_TRUE(queue.has_room());
    queue.wait({"", "reader"}, call);
    if (call <= 2) {
      EXPECT_EQ(queue.next(), call);
    }
  }
  EXPECT_EQ(queue.next(), std::nullopt);
  EXPECT_EQ(queue.running(), 2u);
  EXPECT_EQ(queue.waiting(), 1u);
  EXPECT_FALSE(queue.has_room()) << "all places are taken, and so many wait already";
  queue.ended();
  EXPECT_EQ(queue.next(), 3u);
}

TEST(provider_queue, forgets_who_has_gone) {
  provider_queue queue{1, 10};
  queue.wait({"", "reader"}, 1);
  queue.wait({"", "reader"}, 2);
  EXPECT_TRUE(queue.forget({"", "reader"}, 1));
  EXPECT_FALSE(queue.forget({"", "reader"}, 1));
  EXPECT_FALSE(queue.forget({"", "nobody"}, 2));
  EXPECT_TRUE(queue.invariants());
  EXPECT_EQ(queue.next(), 2u);
  EXPECT_FALSE(queue.forget({"", "reader"}, 2)) << "it runs";
  EXPECT_EQ(queue.waiting(), 0u);
}

} // namespace
} // namespace troupe
