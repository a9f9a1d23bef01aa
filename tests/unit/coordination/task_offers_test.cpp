#include "actors/coordination/task_offers.hpp"

#include "config/limits/work.hpp"
#include "messages/runs.pb.h"
#include "tests/unit/coordination/owner_parts.hpp"

#include <map>

namespace troupe::tests {
namespace {

class offering : public owner_parts {
protected:
  offering() { offers.start(self); }
  run_journal journal{8};
  run_fold fold{journal};
  task_offers offers{{roles, nodes, attempts, runs, kept, progress, fold}, counted, 3};

  active_run& submit(Graph graph, std::uint64_t number = 1) {
    auto& run = add(std::move(graph), number);
    offers.add(run);
    auto where = context();
    offers.wake(where, run);
    return run;
  }
  /// What one step offers: its tasks by node.
  std::map<node_id, std::vector<Task>> offered(bool expect_more = false) {
    out = {};
    auto where = context();
    EXPECT_EQ(offers.offer_ready(where), expect_more);
    EXPECT_TRUE(offers.invariants());
    EXPECT_TRUE(attempts.invariants());
    std::map<node_id, std::vector<Task>> made;
    for (auto& [target, offer] : sent<TaskOffer>())
      for (auto& task : offer.tasks())
        made[target.node].push_back(task);
    return made;
  }
  void try_again(attempt& a, failure why, bool counts) {
    auto where = context();
    offers.try_again(where, a, std::move(why), counts);
  }
};

TEST_F(offering, gives_each_node_what_it_has_room_for_in_one_message) {
  auto& run = submit(many(9));
  auto made = offered();
  EXPECT_EQ(sent<TaskOffer>().size(), 2u);
  EXPECT_EQ(made[node_a].size(), 2u);
  EXPECT_EQ(made[node_b].size(), 2u);
  EXPECT_EQ(made[node_a][0].run(), to_bytes(run.id));
  EXPECT_TRUE(offered().empty()) << "no room";
}

TEST_F(offering, lets_runs_take_turns) {
  auto& wide = submit(many(9), 1);
  auto& narrow = submit(many(2), 2);
  std::map<std::string, int> count;
  for (auto& [node, tasks] : offered())
    for (auto& task : tasks)
      ++count[task.run()];
  EXPECT_EQ(count[to_bytes(wide.id)], 2);
  EXPECT_EQ(count[to_bytes(narrow.id)], 2);
}

TEST_F(offering, tries_again_elsewhere_and_fails_after_the_last_attempt) {
  auto graph = many(1);
  graph.mutable_tasks(0)->set_attempts(2);
  auto& run = submit(graph);
  auto first = offered();
  ASSERT_EQ(first.size(), 1u);
  try_again(at(run, 0), {ec::agent_failed, "no"}, true);
  auto second = offered();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_NE(second.begin()->first, first.begin()->first);
  EXPECT_EQ(second.begin()->second[0].attempt(), 2u);
  try_again(at(run, 0), {ec::agent_failed, "no"}, true);
  EXPECT_TRUE(offered().empty());
  EXPECT_EQ(run.state->status_of(0), run_state::status::failed);
  EXPECT_EQ(runs.next_ended(), &run);
}

TEST_F(offering, lets_an_attempt_that_does_not_count_cost_none) {
  auto graph = many(1);
  graph.mutable_tasks(0)->set_attempts(1);
  auto& run = submit(graph);
  offered();
  try_again(at(run, 0), {ec::unavailable, "lost"}, false);
  EXPECT_EQ(offered().size(), 1u);
}

TEST_F(offering, waits_before_it_asks_the_overloaded_again) {
  auto& run = submit(many(1));
  offered();
  try_again(at(run, 0), {ec::overloaded, "full"}, true);
  EXPECT_TRUE(offered().empty());
  ASSERT_EQ(out.timers.size(), 1u);
  now += out.timers[0].after;
  offers.timer_fired();
  EXPECT_EQ(offered().size(), 1u);
}

TEST_F(offering, forgets_a_run_that_is_removed) {
  auto& run = submit(many(9));
  offered();
  try_again(at(run, 0), {ec::overloaded, "full"}, true);
  try_again(at(run, 1), {ec::agent_failed, "no"}, true);
  for (std::uint32_t task = 2; task < 4; ++task) {
    run.state->hold_back(task, true);
    release(at(run, task));
  }
  offers.remove(run);
  runs.take(run);
  now += 1h;
  EXPECT_TRUE(offered().empty());
}

TEST_F(offering, fails_what_no_node_has_hosted_for_too_long) {
  auto graph = many(1, "nobody");
  auto& run = submit(graph);
  EXPECT_TRUE(offered().empty());
  now += limits::placement_patience - 1ms;
  offered();
  EXPECT_EQ(run.state->status_of(0), run_state::status::ready);
  now += 1ms;
  offered();
  EXPECT_EQ(run.state->status_of(0), run_state::status::failed);
}

} // namespace
} // namespace troupe::tests
