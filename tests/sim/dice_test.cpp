#include "tests/sim/dice.hpp"

#include <gtest/gtest.h>

#include <unordered_map>

namespace troupe::sim {

/// If two streams had one number in common, one would be the other from there on: what a seed finds
/// would be what its neighbours find.
TEST(dice, of_neighbouring_seeds_and_parts_have_no_number_in_common) {
  constexpr std::uint64_t seeds = 300, parts = 30, draws = 20;
  std::unordered_map<std::uint64_t, std::uint64_t> drawn_by;
  for (std::uint64_t seed = 0; seed < seeds; ++seed)
    for (std::uint64_t part = 0; part < parts; ++part) {
      dice drawn{seed, part};
      for (std::uint64_t i = 0; i < draws; ++i) {
        auto [found, is_new] = drawn_by.emplace(drawn.next(), seed * parts + part);
        ASSERT_TRUE(is_new) << "seed " << seed << ", part " << part << ", draw " << i << ": seed "
                            << found->second / parts << ", part " << found->second % parts
                            << " drew it";
      }
    }
}

TEST(dice, of_the_same_seed_and_part_draw_the_same) {
  dice one{7, 3}, other{7, 3};
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(one.next(), other.next());
}

} // namespace troupe::sim
