#include "tests/sim/seed_run.hpp"

#include <gtest/gtest.h>

#include <set>

namespace troupe::sim {

namespace {

constexpr std::uint64_t seeds = 100;

} // namespace

TEST(seeds, a_hundred_of_them_break_nothing) {
  std::uint64_t acknowledged = 0, ended_well = 0, repetitions = 0, lives = 0, failed_steps = 0;
  std::uint64_t ended_alone = 0, paid_again = 0, taken_up = 0;
  std::uint64_t done_by_owners = 0, whole_answers = 0, bad_answers = 0;
  std::map<fault, std::uint64_t> made;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    auto report = run_seed(seed);
    for (const auto& what : report.wrong)
      ADD_FAILURE() << what << "\n"
                    << to_string(report) << "\nscripts/sim --seed " << seed << " --trace";
    acknowledged += report.acknowledged;
    ended_well += report.runs_ended_well;
    repetitions += report.repetitions;
    lives += report.lives;
    failed_steps += report.failed_steps;
    done_by_owners += report.done_by_owners;
    ended_alone += report.ended_alone;
    paid_again += report.paid_again;
    whole_answers += report.whole_answers;
    bad_answers += report.bad_answers;
    taken_up += report.taken_up;
    for (const auto& [kind, times] : report.faults)
      made[kind] += times;
  }
  // What finds nothing because nothing happens would be worth nothing.
  EXPECT_GT(acknowledged, 100 * seeds);
  EXPECT_GT(ended_well, 10 * seeds);
  EXPECT_GT(repetitions, seeds);
  EXPECT_GT(lives, 5 * seeds);
  EXPECT_GT(failed_steps, seeds);
  EXPECT_GT(done_by_owners, 100 * seeds);
  EXPECT_GT(ended_alone, 3 * seeds);
  EXPECT_GT(paid_again, 0u);
  EXPECT_GT(whole_answers, 10 * seeds);
  EXPECT_GT(bad_answers, seeds);
  EXPECT_GT(taken_up, 0u);
  EXPECT_EQ(made.size(), fault_kinds);
}

TEST(seeds, the_same_seed_is_the_same_history_and_another_is_another) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    auto first = run_seed(seed), again = run_seed(seed);
    EXPECT_EQ(first.hash, again.hash) << "seed " << seed;
    EXPECT_EQ(first.steps, again.steps) << "seed " << seed;
    hashes.insert(first.hash);
  }
  EXPECT_EQ(hashes.size(), 5u);
}

TEST(seeds, whoever_reads_the_trace_changes_nothing) {
  std::uint64_t lines = 0;
  auto watched = run_seed(2, [&](const std::string&) { ++lines; });
  EXPECT_EQ(watched.hash, run_seed(2).hash);
  EXPECT_GT(lines, watched.steps);
}

} // namespace troupe::sim
