#include "tests/unit/cluster/link_pair.hpp"

#include <gtest/gtest.h>

#include <list>

namespace troupe::tests {

namespace {

/// Links that share a budget, each with its sender.
struct sharing_links {
  explicit sharing_links(std::size_t bytes_max, std::size_t count) : budget(bytes_max) {
    for (std::size_t i = 0; i < count; ++i) {
      auto& pair = pairs.emplace_back();
      pair.connect();
      pair.right->count_chunks_in(budget.open([this] { ++told; }));
    }
  }

  link_pair& at(std::size_t i) { return *std::next(pairs.begin(), static_cast<std::ptrdiff_t>(i)); }

  chunk_budget budget; ///< outlives the links
  std::list<link_pair> pairs;
  int told = 0;
};

const std::string piece(50'000, 'p');

} // namespace

TEST(chunks, are_put_together_to_what_was_sent) {
  link_pair pair;
  pair.connect();
  outbox box{limits::link_bytes_max};
  std::string first(200'000, 'a'), second(300'000, 'b');
  box.put(echo_to("echo/1", first, 1));
  box.put(echo_to("echo/1", second, 2));
  pair.deliver(box);
  ASSERT_EQ(pair.at_right.received.size(), 2u);
  EXPECT_EQ(pair.at_right.received[0].body.as<Echo>()->bytes(), first);
  EXPECT_EQ(pair.at_right.received[1].body.as<Echo>()->bytes(), second);
}

TEST(chunks, that_do_not_fit_their_payload_end_the_link) {
  for (auto [total, then_total, bytes] : {std::tuple{1'000, 1'001, 10}, {1'000, 1'000, 991}}) {
    link_pair pair;
    pair.connect();
    pair.feed_right(pair.chunk(1, static_cast<std::size_t>(total), std::string(10, 'x')));
    ASSERT_FALSE(pair.at_right.failed);
    pair.feed_right(pair.chunk(1, static_cast<std::size_t>(then_total),
                               std::string(static_cast<std::size_t>(bytes), 'x')));
    ASSERT_TRUE(pair.at_right.failed) << then_total << " " << bytes;
    EXPECT_EQ(pair.at_right.failed->code, ec::bad_message);
  }
}

TEST(chunks, may_announce_no_more_than_a_link_may_hold) {
  link_pair pair;
  pair.connect();
  auto each = limits::payload_bytes_max;
  std::uint32_t stream = 1;
  for (; stream * each <= limits::link_assembling_bytes_max; ++stream) {
    pair.feed_right(pair.chunk(stream, each, "x"));
    ASSERT_FALSE(pair.at_right.failed) << stream;
  }
  pair.feed_right(pair.chunk(stream, each, "x"));
  ASSERT_TRUE(pair.at_right.failed);
  EXPECT_EQ(pair.at_right.failed->code, ec::too_large);
}

TEST(chunks, of_all_links_together_are_bounded_and_who_holds_most_gives_way) {
  sharing_links links{10 * piece.size(), 3};
  for (std::uint32_t i = 0; i < 6; ++i)
    links.at(0).feed_right(links.at(0).chunk(1, 1'000'000, piece));
  for (std::uint32_t i = 0; i < 4; ++i)
    links.at(1).feed_right(links.at(1).chunk(1, 1'000'000, piece));
  EXPECT_EQ(links.budget.held(), 10 * piece.size());
  EXPECT_EQ(links.told, 0);
  // The third link holds nothing yet and is served. The first holds more than its share.
  links.at(2).feed_right(links.at(2).chunk(1, 1'000'000, piece));
  EXPECT_FALSE(links.at(2).at_right.failed);
  EXPECT_EQ(links.told, 1);
  EXPECT_TRUE(links.at(0).right->must_give_way());
  EXPECT_FALSE(links.at(1).right->must_give_way());
  EXPECT_FALSE(links.at(2).right->must_give_way());
  EXPECT_EQ(links.budget.held(), 5 * piece.size());
  // It gets no more memory until it is closed.
  links.at(0).feed_right(links.at(0).chunk(1, 1'000'000, piece));
  ASSERT_TRUE(links.at(0).at_right.failed);
  EXPECT_EQ(links.at(0).at_right.failed->code, ec::overloaded);
}

TEST(chunks, a_link_that_would_hold_most_is_told_so_itself) {
  sharing_links links{10 * piece.size(), 2};
  links.at(1).feed_right(links.at(1).chunk(1, 1'000'000, piece));
  for (std::uint32_t i = 0; i < 9; ++i)
    links.at(0).feed_right(links.at(0).chunk(1, 1'000'000, piece));
  ASSERT_FALSE(links.at(0).at_right.failed);
  links.at(0).feed_right(links.at(0).chunk(1, 1'000'000, piece));
  EXPECT_TRUE(links.at(0).at_right.failed);
  EXPECT_FALSE(links.at(1).right->must_give_way());
}

TEST(chunks, count_no_longer_once_they_are_whole_or_their_link_has_gone) {
  sharing_links links{limits::member_chunks_bytes_max, 2};
  outbox box{limits::link_bytes_max};
  box.put(echo_to("echo/1", std::string(3'000'000, 'x')));
  links.at(0).deliver(box);
  ASSERT_EQ(links.at(0).at_right.received.size(), 1u);
  EXPECT_EQ(links.budget.held(), 0u);
  links.at(1).feed_right(links.at(1).chunk(1, 1'000'000, piece));
  EXPECT_EQ(links.budget.held(), piece.size());
  links.at(1).right.reset();
  EXPECT_EQ(links.budget.held(), 0u);
}

} // namespace troupe::tests
