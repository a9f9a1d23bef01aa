#include "telemetry/trace_sampler.hpp"

#include <gtest/gtest.h>

#include <random>

namespace troupe {
namespace {

trace_context undecided(std::uint64_t hi, std::uint64_t lo) {
  return {{hi, lo}, {}, trace_context::flag_undecided};
}

bool takes(const trace_sampler& sampler, trace_context trace) {
  sampler.decide(trace);
  EXPECT_FALSE(trace.undecided());
  return trace.sampled();
}

TEST(sampler, keeps_a_decision_that_was_made) {
  for (double ratio : {0.0, 1.0}) {
    trace_context yes{{1, 2}, {3}, trace_context::flag_sampled};
    trace_context no{{1, 2}, {3}, 0};
    trace_sampler{ratio}.decide(yes);
    trace_sampler{ratio}.decide(no);
    EXPECT_TRUE(yes.sampled());
    EXPECT_FALSE(no.sampled());
  }
}

TEST(sampler, takes_all_or_none_at_the_ends) {
  for (std::uint64_t lo : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    EXPECT_TRUE(takes(trace_sampler{1.0}, undecided(7, lo)));
    EXPECT_FALSE(takes(trace_sampler{0.0}, undecided(7, lo)));
  }
}

TEST(sampler, takes_about_its_share_and_the_same_ones_everywhere) {
  std::mt19937_64 random{42};
  trace_sampler here{0.1}, there{0.1}, more{0.5};
  int taken = 0;
  constexpr int traces = 20'000;
  for (int i = 0; i < traces; ++i) {
    auto trace = undecided(random(), random());
    auto mine = takes(here, trace);
    EXPECT_EQ(mine, takes(there, trace));
    if (mine) {
      EXPECT_TRUE(takes(more, trace)) << "a larger share holds the smaller one";
      ++taken;
    }
  }
  EXPECT_NEAR(taken, traces / 10, 200);
}

} // namespace
} // namespace troupe
