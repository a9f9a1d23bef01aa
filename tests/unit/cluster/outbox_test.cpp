#include "tests/unit/cluster/link_pair.hpp"

#include <gtest/gtest.h>

#include <random>

namespace troupe::tests {

namespace {

/// Takes everything; the seal does not matter here.
void take_all(outbox& box, std::vector<char>& bytes) {
  frame_seal seal{{}};
  while (box.take(bytes, 1 << 20, seal)) {
  }
}

} // namespace

TEST(outbox, refuses_beyond_its_bound_and_takes_again_after) {
  outbox box{100'000};
  std::size_t queued = 0;
  while (box.put(echo_to("echo/1", std::string(1000, 'x'))) == outbox::put_result::queued)
    ASSERT_LT(++queued, 1000u) << "it never says no";
  EXPECT_GT(queued, 80u);
  EXPECT_EQ(box.put(echo_to("echo/1", std::string(1000, 'x'))), outbox::put_result::overloaded);
  EXPECT_LE(box.waiting(), 100'000u);
  std::vector<char> bytes;
  take_all(box, bytes);
  EXPECT_EQ(box.put(echo_to("echo/1", "x")), outbox::put_result::queued);
}

TEST(outbox, is_in_a_possible_state_after_whatever_is_put_and_taken) {
  std::minstd_rand random{7};
  outbox box{400'000, {}, 100'000};
  frame_seal seal{{}};
  for (int i = 0; i < 3'000 && !box.overflowed(); ++i) {
    auto large = random() % 8 == 0;
    auto message = echo_to("echo/" + std::to_string(random() % 50),
                           std::string(random() % (large ? 150'000 : 3'000), 'x'),
                           static_cast<std::uint64_t>(i));
    if (random() % 4 == 0)
      message.kind = message_kind::reply;
    box.put(message);
    ASSERT_TRUE(box.invariants()) << "put " << i;
    std::vector<char> bytes;
    if (random() % 8 == 0)
      box.take(bytes, random() % 100'000, seal);
    ASSERT_TRUE(box.invariants()) << "take " << i;
  }
  EXPECT_TRUE(box.overflowed()) << "it came to the end of its reserve too";
  std::vector<char> bytes;
  take_all(box, bytes);
  EXPECT_TRUE(box.invariants());
  EXPECT_TRUE(box.overflowed()) << "the link is closed all the same";
  box.put(echo_to("echo/1", "x"));
  box.close();
  EXPECT_TRUE(box.invariants());
  EXPECT_EQ(box.put(echo_to("echo/1", "x")), outbox::put_result::closed);
}

TEST(outbox, has_a_reserve_for_what_would_not_be_sent_again) {
  int woken = 0;
  outbox box{100'000, [&] { ++woken; }, 50'000};
  auto request = echo_to("echo/1", std::string(1000, 'x'));
  while (box.put(request) == outbox::put_result::queued) {
  }
  auto event = echo_to("echo/1", std::string(1000, 'x'));
  event.kind = message_kind::event;
  EXPECT_EQ(box.put(event), outbox::put_result::overloaded) << "an agent can do without an event";
  auto news = echo_to("echo/1", std::string(1000, 'x'));
  news.kind = message_kind::event;
  news.target = address::of(service::coordinator, {0, 2});
  EXPECT_EQ(box.put(news), outbox::put_result::queued);
  auto reply = echo_to("echo/1", std::string(1000, 'x'));
  reply.kind = message_kind::reply;
  EXPECT_EQ(box.put(reply), outbox::put_result::queued);
  EXPECT_FALSE(box.overflowed());
  EXPECT_EQ(woken, 1);
  while (box.put(reply) == outbox::put_result::queued)
    ASSERT_LT(box.waiting(), 150'000u);
  EXPECT_TRUE(box.overflowed());
  EXPECT_EQ(woken, 2) << "the link must be closed";
  EXPECT_EQ(box.put(reply), outbox::put_result::overloaded);
  EXPECT_EQ(woken, 2) << "once";
}

TEST(outbox, counts_a_large_payload_until_its_last_chunk_is_taken) {
  outbox box{limits::link_bytes_max};
  box.put(echo_to("echo/1", std::string(3'000'000, 'x')));
  std::vector<char> bytes;
  frame_seal seal{{}};
  ASSERT_TRUE(box.take(bytes, 2'000'000, seal));
  EXPECT_GE(box.waiting(), 3'000'000u) << "the other side holds its bytes until it is whole";
  take_all(box, bytes);
  EXPECT_EQ(box.waiting(), 0u);
}

TEST(outbox, wakes_once_until_it_is_empty) {
  int woken = 0;
  outbox box{100'000, [&] { ++woken; }};
  box.put(echo_to("echo/1", "a"));
  box.put(echo_to("echo/1", "b"));
  EXPECT_EQ(woken, 1);
  std::vector<char> bytes;
  take_all(box, bytes);
  box.put(echo_to("echo/1", "c"));
  EXPECT_EQ(woken, 2);
}

TEST(outbox, tells_which_clients_requests_were_not_answered) {
  outbox box{100'000};
  auto request = echo_to("echo/1", "a", 1);
  request.sender = address::of_session({5});
  box.put(request);
  request.id.sequence = 2;
  box.put(request);
  box.put(echo_to("echo/1", "of an agent", 3));
  box.answered({session_id{9}, 1});
  auto open = box.close();
  ASSERT_EQ(open.size(), 1u);
  EXPECT_EQ(open[0].id.sequence, 2u);
  EXPECT_EQ(open[0].sender, address::of_session({5}));
  EXPECT_EQ(box.put(request), outbox::put_result::closed);
}

TEST(outbox, a_payload_beyond_the_limit_is_too_large) {
  outbox box{limits::link_bytes_max};
  EXPECT_EQ(box.put(echo_to("echo/1", std::string(limits::payload_bytes_max + 1, 'x'))),
            outbox::put_result::too_large);
}

TEST(outbox, no_frame_outgrows_its_bound_however_many_payloads_end_at_once) {
  // After its chunks, each large payload leaves an envelope of a kilobyte with three long names.
  // While full frames wait, no such envelope is taken.
  outbox box{limits::link_bytes_max};
  std::string bytes(stream_payload_bytes, 'x');
  std::size_t count = 0;
  auto long_name = [&](char first) {
    return std::string(1, first) + "/" + std::string(240, 'n') + std::to_string(count);
  };
  for (std::size_t small = 0; small < 600; ++small)
    ASSERT_EQ(box.put(echo_to("echo/1", std::string(60'000, 'y'))), outbox::put_result::queued);
  while (box.waiting() + 2 * bytes.size() < limits::link_bytes_max) {
    auto message = echo_to(long_name('a'), bytes, ++count);
    message.sender = address::of_agent(name{long_name('b')}, {0, 1});
    message.tenant = name{long_name('c')};
    ASSERT_EQ(box.put(message), outbox::put_result::queued);
  }
  ASSERT_GT(count, 300u) << "enough to fill a frame with envelopes alone";
  link_pair pair;
  pair.connect();
  pair.deliver(box);
  ASSERT_FALSE(pair.at_right.failed) << pair.at_right.failed->message;
  EXPECT_FALSE(box.overflowed());
  EXPECT_EQ(pair.at_right.received.size(), 600 + count);
  EXPECT_EQ(box.waiting(), 0u);
}

} // namespace troupe::tests
