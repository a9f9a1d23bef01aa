#include "actors/host/queued_bytes.hpp"

#include "actors/host/inbox_meter.hpp"
#include "config/limits/mailboxes.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace troupe {

namespace {

using admission = inbox_meter::admission;
using ended = inbox_meter::ended;

} // namespace

TEST(queued_bytes, sums_what_all_threads_bring_and_take) {
  queued_bytes queued, other;
  constexpr int times = 10'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < times; ++i) {
        queued.add(10);
        other.add(1); // two nodes in one thread have separate cells
        queued.remove(7);
      }
    });
  for (auto& one : threads)
    one.join();
  EXPECT_EQ(queued.total(), 4u * times * 3);
  EXPECT_EQ(other.total(), 4u * times);
  queued.remove(4u * times * 3); // by a thread that added nothing
  EXPECT_EQ(queued.total(), 0u);
}

TEST(queued_bytes, calls_who_waits_when_there_is_room_and_only_once) {
  queued_bytes queued;
  int called = 0;
  queued.when_room([&] { ++called; });
  EXPECT_EQ(called, 1) << "there is room already";
  queued.add(limits::node_queued_bytes_max + 1);
  EXPECT_TRUE(queued.too_many());
  queued.when_room([&] { ++called; });
  queued.remove(1);
  EXPECT_FALSE(queued.too_many());
  EXPECT_EQ(called, 1) << "it would stop again at once";
  queued.remove(limits::node_queued_bytes_max - limits::node_queued_bytes_resume);
  EXPECT_EQ(called, 2);
  queued.remove(1);
  EXPECT_EQ(called, 2);
}

TEST(queued_bytes, never_leaves_a_waiter_behind) {
  queued_bytes queued;
  for (int i = 0; i < 2'000; ++i) {
    queued.add(limits::node_queued_bytes_max);
    std::atomic<bool> called{false};
    std::thread taker{[&] { queued.remove(limits::node_queued_bytes_max); }};
    queued.when_room([&] { called = true; });
    taker.join();
    ASSERT_TRUE(called) << i;
  }
}

TEST(inbox_meter, refuses_beyond_its_bound_and_keeps_a_reserve) {
  queued_bytes queued;
  inbox_meter inbox{queued};
  for (std::size_t i = 0; i < limits::mailbox_messages_max; ++i)
    ASSERT_EQ(inbox.enter(1, 1, false), admission::in);
  EXPECT_EQ(inbox.enter(1, 1, false), admission::full);
  for (std::size_t i = 0; i < limits::mailbox_reserve_messages; ++i)
    ASSERT_EQ(inbox.enter(1, 1, true), admission::in);
  EXPECT_EQ(inbox.enter(1, 1, true), admission::full);
  EXPECT_EQ(queued.total(), limits::mailbox_messages_max + limits::mailbox_reserve_messages);
  inbox.leave(limits::mailbox_reserve_messages + 1, limits::mailbox_reserve_messages + 1);
  EXPECT_EQ(inbox.enter(1, 1, false), admission::in);
}

TEST(inbox_meter, bounds_bytes_but_lets_one_large_message_in) {
  queued_bytes queued;
  inbox_meter inbox{queued};
  EXPECT_EQ(inbox.enter(2, limits::mailbox_bytes_max + 1, false), admission::full);
  EXPECT_EQ(inbox.enter(1, limits::mailbox_bytes_max + 1, false), admission::in);
  EXPECT_EQ(inbox.enter(1, 1, false), admission::full);
  EXPECT_EQ(inbox.enter(1, 1, true), admission::in);
  EXPECT_EQ(inbox.enter(1, limits::mailbox_reserve_bytes, true), admission::full);
  EXPECT_EQ(inbox.messages(), 2u);
}

TEST(inbox_meter, knows_at_the_close_how_many_are_still_to_come) {
  queued_bytes queued;
  {
    inbox_meter inbox{queued};
    inbox.enter(1, 100, false);
    inbox.enter(2, 200, false);
    inbox.leave(1, 100);
    EXPECT_FALSE(inbox.close_if_empty());
    EXPECT_EQ(inbox.how_it_ended(), ended::no);
    EXPECT_EQ(inbox.close(true), 2u);
    EXPECT_EQ(inbox.how_it_ended(), ended::failed);
    EXPECT_EQ(inbox.enter(1, 1, true), admission::closed);
    EXPECT_EQ(queued.total(), 200u);
  }
  EXPECT_EQ(queued.total(), 0u) << "what nobody will take out any more does not wait";
}

TEST(inbox_meter, closes_when_it_is_empty) {
  queued_bytes queued;
  inbox_meter inbox{queued};
  inbox.enter(1, 100, false);
  inbox.leave(1, 100);
  EXPECT_TRUE(inbox.close_if_empty());
  EXPECT_EQ(inbox.how_it_ended(), ended::asked);
  EXPECT_EQ(inbox.enter(1, 1, false), admission::closed);
}

} // namespace troupe
