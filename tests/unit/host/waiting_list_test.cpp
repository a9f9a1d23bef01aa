#include "actors/host/waiting_list.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <semaphore>
#include <thread>
#include <vector>

namespace troupe::test {

namespace {

using put_result = waiting_list::put_result;

gathered_messages numbered(std::uint64_t sender, std::uint64_t first, std::uint64_t count = 1) {
  gathered_messages made;
  for (auto number = first; number < first + count; ++number) {
    envelope message;
    message.id = {{sender}, number};
    made.add(std::move(message), number);
  }
  return made;
}

put_result put(waiting_list& list, gathered_messages messages) { return list.put(messages); }

/// Each sender's messages in the order in which it put them, none twice.
class order_of_senders {
public:
  explicit order_of_senders(std::size_t senders) : next_(senders, 0) {}
  bool follows(const waiting_message& one) {
    return one.message.id.sequence == next_[one.message.id.session.value]++;
  }
  std::uint64_t seen(std::size_t sender) const { return next_[sender]; }

private:
  std::vector<std::uint64_t> next_;
};

} // namespace

TEST(waiting_list, gives_messages_in_the_order_in_which_they_came) {
  waiting_list list;
  EXPECT_EQ(put(list, numbered(0, 0, 3)), put_result::ring);
  EXPECT_EQ(put(list, numbered(0, 3)), put_result::queued);
  EXPECT_EQ(list.next()->bytes, 0u);
  EXPECT_EQ(put(list, numbered(0, 4, 2)), put_result::queued);
  for (std::uint64_t i = 1; i < 6; ++i)
    EXPECT_EQ(list.next()->message.id.sequence, i);
  EXPECT_FALSE(list.next());
}

TEST(waiting_list, rings_only_for_a_receiver_that_sleeps) {
  waiting_list list;
  EXPECT_EQ(put(list, numbered(0, 0)), put_result::ring);
  EXPECT_EQ(put(list, numbered(0, 1)), put_result::queued);
  EXPECT_FALSE(list.sleep());
  EXPECT_TRUE(list.next());
  EXPECT_FALSE(list.sleep());
  EXPECT_TRUE(list.next());
  EXPECT_FALSE(list.next());
  EXPECT_EQ(put(list, numbered(0, 2)), put_result::queued) << "it is awake and looks again";
  EXPECT_FALSE(list.sleep());
  EXPECT_TRUE(list.next());
  EXPECT_TRUE(list.sleep());
  EXPECT_TRUE(list.sleep()) << "it sleeps already";
  EXPECT_EQ(put(list, numbered(0, 3)), put_result::ring);
}

TEST(waiting_list, takes_nothing_once_it_is_closed_and_gives_what_came_before) {
  waiting_list list;
  put(list, numbered(0, 0, 2));
  EXPECT_TRUE(list.next());
  put(list, numbered(0, 2));
  list.close();
  auto late = numbered(0, 3, 2);
  EXPECT_EQ(list.put(late), put_result::closed);
  std::size_t still_there = 0;
  late.for_each([&](const waiting_message& one) { still_there += one.bytes; });
  EXPECT_EQ(still_there, 3u + 4u);
  EXPECT_EQ(list.next()->bytes, 1u);
  EXPECT_EQ(list.next()->bytes, 2u);
  EXPECT_FALSE(list.next());
  EXPECT_TRUE(list.sleep());
  EXPECT_EQ(list.put(late), put_result::closed);
}

TEST(waiting_list, of_many_senders_keeps_the_order_of_each_and_rings_once_for_each_sleep) {
  constexpr std::size_t senders = 4;
  constexpr std::uint64_t each = 20'000;
  waiting_list list;
  std::counting_semaphore<> rung{0};
  std::atomic<std::uint64_t> rings{0};
  std::barrier together{senders};
  std::vector<std::thread> threads;
  for (std::uint64_t s = 0; s < senders; ++s)
    threads.emplace_back([&, s] {
      together.arrive_and_wait();
      for (std::uint64_t sent = 0; sent < each;) {
        auto count = std::min(each - sent, 1 + (sent + s) % 3);
        if (put(list, numbered(s, sent, count)) == put_result::ring) {
          ++rings;
          rung.release();
        }
        sent += count;
      }
    });
  // What the receiver alone may touch: the list orders its looks, on whatever thread they are.
  std::uint64_t taken = 0, slept = 0;
  order_of_senders order{senders};
  auto look = [&] {
    bool all_follow = true;
    do {
      while (auto one = list.next()) {
        all_follow = all_follow && order.follows(*one);
        ++taken;
      }
    } while (!list.sleep());
    ++slept;
    return all_follow;
  };
  while (taken < senders * each) {
    ASSERT_TRUE(rung.try_acquire_for(std::chrono::seconds{30})) << "a ring was lost";
    bool good = false;
    std::thread{[&] { good = look(); }}.join(); // another thread each time
    ASSERT_TRUE(good);
  }
  for (auto& one : threads)
    one.join();
  EXPECT_EQ(rings, slept) << "as often as it slept, and never while it was awake";
  for (std::size_t s = 0; s < senders; ++s)
    EXPECT_EQ(order.seen(s), each);
}

TEST(waiting_list, that_closes_among_many_senders_loses_and_doubles_nothing) {
  constexpr std::size_t senders = 3;
  for (int round = 0; round < 200; ++round) {
    waiting_list list;
    std::barrier together{senders + 1};
    std::vector<std::uint64_t> refused_from(senders);
    std::vector<std::thread> threads;
    for (std::uint64_t s = 0; s < senders; ++s)
      threads.emplace_back([&, s] {
        together.arrive_and_wait();
        auto& next = refused_from[s];
        while (put(list, numbered(s, next)) != put_result::closed)
          ++next;
      });
    together.arrive_and_wait();
    order_of_senders order{senders};
    for (int looked = 0; looked < 50; ++looked)
      if (auto one = list.next()) {
        ASSERT_TRUE(order.follows(*one));
      }
    list.close();
    while (auto one = list.next())
      ASSERT_TRUE(order.follows(*one));
    for (auto& one : threads)
      one.join();
    for (std::size_t s = 0; s < senders; ++s)
      ASSERT_EQ(order.seen(s), refused_from[s]);
  }
}

} // namespace troupe::test
