#include "actors/cluster/peer_links.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace troupe::tests {

namespace {

constexpr node_id low{0, 1}, high{0, 2};

/// A link from the node with the lower id, as the higher one sees it.
peer_links::link from_low(std::uint64_t id, std::uint64_t dial, std::uint64_t incarnation = 1) {
  return {id, low, incarnation, true, dial};
}

} // namespace

TEST(peer_links, the_first_link_counts_when_frames_have_passed_both_ways) {
  peer_links links;
  EXPECT_FALSE(links.proven(from_low(7, 1)).attach);
  EXPECT_FALSE(links.current(low));
  EXPECT_TRUE(links.has_link(low));
  auto made = links.confirmed(7);
  EXPECT_EQ(made.attach, 7u);
  EXPECT_TRUE(made.end.empty());
  EXPECT_EQ(links.current(low), 7u);
  EXPECT_TRUE(links.closed(7).lost);
  EXPECT_FALSE(links.has_link(low));
}

TEST(peer_links, a_working_link_is_kept_until_the_new_one_has_carried_frames) {
  peer_links links;
  links.proven(from_low(7, 1));
  links.confirmed(7);
  auto made = links.proven(from_low(8, 2));
  EXPECT_FALSE(made.attach);
  EXPECT_TRUE(made.end.empty() && made.dead.empty());
  EXPECT_EQ(links.current(low), 7u);
  EXPECT_FALSE(links.closed(8).lost) << "the new one came to nothing";
  EXPECT_EQ(links.current(low), 7u);
  links.proven(from_low(9, 3));
  made = links.confirmed(9);
  EXPECT_EQ(made.attach, 9u);
  EXPECT_EQ(made.end, std::vector<std::uint64_t>{7});
  EXPECT_FALSE(links.closed(7).lost);
  EXPECT_EQ(links.current(low), 9u);
}

TEST(peer_links, a_thousand_links_that_never_carry_a_frame_change_nothing) {
  peer_links links;
  links.proven(from_low(1, 1));
  links.confirmed(1);
  for (std::uint64_t i = 2; i < 1'000; ++i) {
    auto made = links.proven(from_low(i, i));
    EXPECT_FALSE(made.attach);
    EXPECT_TRUE(made.end.empty() && made.dead.empty());
    made = links.closed(i);
    EXPECT_FALSE(made.attach || made.lost);
  }
  EXPECT_EQ(links.current(low), 1u);
}

TEST(peer_links, a_proven_link_takes_the_place_of_one_that_ends) {
  // Half open: the peer knows that the old link is dead and has dialled again.
  peer_links links;
  links.proven(from_low(7, 1));
  links.confirmed(7);
  links.proven(from_low(8, 2));
  auto made = links.closed(7);
  EXPECT_EQ(made.attach, 8u);
  EXPECT_FALSE(made.lost);
  made = links.confirmed(8);
  EXPECT_FALSE(made.attach) << "it counts already";
}

TEST(peer_links, no_working_link_is_ended_for_one_that_has_carried_nothing) {
  // The peer may not know the new link yet. Without the working one it would have none.
  peer_links links;
  links.proven({1, low, 1, false, 1});
  links.confirmed(1);
  links.proven({2, low, 1, false, 2});
  links.proven(from_low(3, 1)); // wins over both
  EXPECT_EQ(links.closed(1).attach, 3u);
  auto made = links.confirmed(2);
  EXPECT_EQ(made.attach, 2u);
  EXPECT_TRUE(made.end.empty());
  made = links.confirmed(3);
  EXPECT_EQ(made.attach, 3u);
  EXPECT_EQ(made.end, std::vector<std::uint64_t>{2}) << "now both have";
  EXPECT_FALSE(links.closed(2).lost);
  EXPECT_EQ(links.current(low), 3u);
}

TEST(peer_links, one_that_stepped_back_and_comes_to_nothing_is_not_missed) {
  peer_links links;
  links.proven({1, low, 1, false, 1});
  links.confirmed(1);
  links.proven({2, low, 1, false, 2});
  links.proven(from_low(3, 1));
  links.closed(1);
  links.confirmed(2);
  auto made = links.closed(3);
  EXPECT_FALSE(made.attach || made.lost);
  EXPECT_EQ(links.current(low), 2u);
}

TEST(peer_links, a_new_life_wins_as_soon_as_it_is_proven) {
  peer_links links;
  links.proven(from_low(7, 900));
  links.confirmed(7);
  auto made = links.proven(from_low(8, 1, 2));
  EXPECT_EQ(made.attach, 8u);
  EXPECT_EQ(made.dead, std::vector<std::uint64_t>{7});
  EXPECT_EQ(links.current(low), 8u);
  made = links.closed(7);
  EXPECT_FALSE(made.lost || made.attach);
}

TEST(peer_links, a_link_of_a_former_life_is_refused) {
  peer_links links;
  links.proven(from_low(8, 1, 2));
  links.confirmed(8);
  auto made = links.proven(from_low(9, 900, 1));
  EXPECT_EQ(made.dead, std::vector<std::uint64_t>{9});
  made = links.confirmed(9);
  EXPECT_FALSE(made.attach);
  EXPECT_EQ(links.current(low), 8u);
  made = links.closed(9);
  EXPECT_FALSE(made.lost);
}

TEST(peer_links, links_of_different_members_have_nothing_to_do_with_each_other) {
  peer_links links;
  links.proven({1, {0, 5}, 3, true, 1});
  links.proven({2, {0, 6}, 1, true, 9});
  links.confirmed(1);
  auto made = links.confirmed(2);
  EXPECT_EQ(made.attach, 2u);
  EXPECT_TRUE(made.end.empty());
  EXPECT_TRUE(links.closed(1).lost);
  EXPECT_EQ(links.current({0, 6}), 2u);
}

namespace {

/// Two nodes and some links between them. Each end gets the events of one link in order; the order
/// between links and ends is arbitrary.
class two_ends {
public:
  two_ends(std::mt19937& random, std::size_t links) : random_(random) {
    for (std::size_t i = 0; i < links; ++i) {
      auto& l = links_.emplace_back();
      l.by_low = random_() % 2 == 0;
      l.dial = i + 1;
    }
  }

  /// Lets one event happen. False: no event is left.
  bool step() {
    std::vector<std::pair<std::size_t, std::size_t>> ready;
    for (std::size_t i = 0; i < links_.size(); ++i)
      for (std::size_t end = 0; end < 2; ++end)
        if (may_happen(links_[i], end))
          ready.emplace_back(i, end);
    if (ready.empty())
      return false;
    auto [i, end] = ready[random_() % ready.size()];
    happen(i, end);
    return true;
  }

  void expect_agreement() {
    auto a = ends_[0].current(high), b = ends_[1].current(low);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(*a, *b);
    EXPECT_FALSE(links_[*a].closing);
  }

private:
  enum class seen { nothing, proven, confirmed, closed };
  struct link {
    bool by_low = true;
    std::uint64_t dial = 0;
    std::array<seen, 2> at{seen::nothing, seen::nothing};
    std::array<bool, 2> proved{false, false}; ///< true even if that end has closed the link since
    bool closing = false;                     ///< one end has closed it
  };

  static bool may_happen(const link& l, std::size_t end) {
    if (l.at[end] == seen::closed)
      return false;
    return l.closing || l.at[end] == seen::nothing || may_be_confirmed(l, end);
  }

  /// Only an end that has the proof answers a ping.
  static bool may_be_confirmed(const link& l, std::size_t end) {
    return l.at[end] == seen::proven && l.proved[1 - end];
  }

  void happen(std::size_t i, std::size_t end) {
    auto& l = links_[i];
    auto& table = ends_[end];
    peer_links::links_change made;
    bool close = l.closing && (!may_be_confirmed(l, end) || random_() % 2 == 0);
    if (close) {
      l.at[end] = seen::closed;
      made = table.closed(i);
    } else if (l.at[end] == seen::nothing) {
      l.at[end] = seen::proven;
      l.proved[end] = true;
      made = table.proven({i, end == 0 ? high : low, 1, l.by_low, l.dial});
    } else {
      l.at[end] = seen::confirmed;
      made = table.confirmed(i);
    }
    EXPECT_FALSE(made.lost) << "no link was lost, and an end believes it has none";
    for (auto ended : made.end)
      links_[ended].closing = true;
    EXPECT_TRUE(made.dead.empty());
  }

  std::mt19937& random_;
  std::vector<link> links_;
  std::array<peer_links, 2> ends_; ///< for `low`, for `high`
};

} // namespace

TEST(peer_links, both_ends_keep_the_same_one_in_whatever_order_they_hear_of_them) {
  for (std::uint32_t seed = 0; seed < 5'000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    two_ends both{random, 1 + random() % 5};
    while (both.step()) {
    }
    both.expect_agreement();
    if (::testing::Test::HasFailure())
      return;
  }
}

TEST(peer_links, whatever_the_order_of_restarts_the_last_life_counts) {
  for (std::uint32_t seed = 0; seed < 5'000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    peer_links links;
    // Three incarnations with up to two links each. Each link is proven, then confirmed, then
    // closed if its incarnation is not the last.
    struct story {
      std::uint64_t id, life;
      int next = 0;
    };
    std::vector<story> stories;
    for (std::uint64_t life = 1; life <= 3; ++life)
      for (std::uint64_t n = 0; n < 1 + random() % 2; ++n)
        stories.push_back({stories.size() + 1, life});
    std::optional<std::uint64_t> attached;
    auto steps_of = [](const story& s) { return s.life == 3 ? 2 : 3; };
    for (;;) {
      std::vector<story*> ready;
      for (auto& s : stories)
        if (s.next < steps_of(s))
          ready.push_back(&s);
      if (ready.empty())
        break;
      auto& s = *ready[random() % ready.size()];
      auto step = s.next++;
      auto made = step == 0   ? links.proven({s.id, low, s.life, true, s.id})
                  : step == 1 ? links.confirmed(s.id)
                              : links.closed(s.id);
      if (made.attach) {
        auto life = stories[*made.attach - 1].life;
        if (attached && stories[*attached - 1].next < steps_of(stories[*attached - 1])) {
          EXPECT_GE(life, stories[*attached - 1].life) << "a former life came back";
        }
        attached = made.attach;
      }
    }
    auto current = links.current(low);
    ASSERT_TRUE(current);
    EXPECT_EQ(stories[*current - 1].life, 3u);
    if (::testing::Test::HasFailure())
      return;
  }
}

} // namespace troupe::tests
