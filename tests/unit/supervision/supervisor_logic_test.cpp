#include "actors/supervision/supervisor_logic.hpp"
#include "actors/timer_table.hpp"

#include <gtest/gtest.h>

namespace troupe {

namespace {

using namespace std::chrono_literals;
using reaction = supervisor_logic::reaction;

constexpr instant start_time{1000s};

supervisor_logic running(supervisor_logic::options rules, std::size_t children) {
  supervisor_logic logic{rules, children};
  for (std::size_t i = 0; i < children; ++i)
    logic.started(i);
  return logic;
}

} // namespace

TEST(supervisor, stops_its_children_in_reverse_order) {
  auto logic = running({5, 10s}, 3);
  for (std::size_t expected : {2, 1, 0}) {
    ASSERT_EQ(logic.next_to_stop(), expected);
    EXPECT_TRUE(logic.invariants());
    logic.ended(expected, true, start_time);
  }
  EXPECT_EQ(logic.next_to_stop(), 3u) << "nothing is left";
  EXPECT_FALSE(logic.has_given_up());
}

TEST(supervisor, starts_a_child_again_that_was_not_asked_to_end) {
  auto logic = running({5, 10s}, 2);
  EXPECT_EQ(logic.ended(0, false, start_time).what, reaction::restart);
  logic.started(0);
  EXPECT_EQ(logic.ended(1, true, start_time).what, reaction::ignore);
}

TEST(supervisor, gives_up_past_its_intensity_within_the_period) {
  auto logic = running({3, 10s}, 1);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(logic.ended(0, false, start_time + i * 1s).what, reaction::restart);
    EXPECT_TRUE(logic.invariants());
    logic.started(0);
  }
  EXPECT_FALSE(logic.has_given_up());
  EXPECT_EQ(logic.ended(0, false, start_time + 3s).what, reaction::give_up);
  EXPECT_TRUE(logic.stopping());
  EXPECT_EQ(logic.next_to_stop(), 1u) << "nothing is left";
  EXPECT_TRUE(logic.has_given_up()) << "stopping for others is not why it ends";
  EXPECT_TRUE(logic.invariants());
}

TEST(supervisor, forgets_restarts_older_than_the_period) {
  auto logic = running({3, 10s}, 1);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(logic.ended(0, false, start_time + i * 4s).what, reaction::restart) << i;
    logic.started(0);
  }
}

TEST(supervisor, backs_off_up_to_a_limit) {
  auto logic =
      running({.intensity = 51, .period = 10s, .backoff_min = 1ms, .backoff_max = 100ms}, 1);
  auto first = logic.ended(0, false, start_time);
  EXPECT_EQ(first.after, 0ns);
  auto last = first.after;
  for (int i = 0; i < 50; ++i) {
    logic.started(0);
    auto next = logic.ended(0, false, start_time);
    ASSERT_EQ(next.what, reaction::restart);
    EXPECT_GE(next.after, last);
    EXPECT_LE(next.after, 100ms);
    last = next.after;
  }
  EXPECT_EQ(last, 100ms);
}

TEST(timers, fire_in_order_and_once) {
  timer_table timers;
  timers.arm(1, start_time, 30ms);
  timers.arm(2, start_time, 10ms);
  EXPECT_EQ(timers.next(), start_time + 10ms);
  EXPECT_FALSE(timers.pop_due(start_time + 9ms));
  EXPECT_EQ(timers.pop_due(start_time + 30ms), 2u);
  EXPECT_EQ(timers.pop_due(start_time + 30ms), 1u);
  EXPECT_FALSE(timers.pop_due(start_time + 1h));
  EXPECT_FALSE(timers.next());
}

TEST(timers, arming_anew_forgets_the_old_and_zero_cancels) {
  timer_table timers;
  for (int i = 0; i < 100'000; ++i)
    timers.arm(1, start_time, 10ms + i * 1us);
  EXPECT_EQ(timers.next(), start_time + 10ms + 99'999us);
  timers.arm(1, start_time, 0ms);
  EXPECT_FALSE(timers.next());
  EXPECT_FALSE(timers.pop_due(start_time + 1h));
}

} // namespace troupe
