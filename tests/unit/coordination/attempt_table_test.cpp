#include "actors/coordination/attempt_table.hpp"

#include "config/limits/work.hpp"
#include "messages/runs.pb.h"
#include "tests/unit/coordination/owner_parts.hpp"

namespace troupe::tests {
namespace {

using attempt_tables = owner_parts;

TEST_F(attempt_tables, know_who_holds_what_until_it_is_released) {
  auto& run = add(many(2));
  auto& first = offer(run, 1, 70);
  EXPECT_TRUE(attempts.invariants());
  EXPECT_EQ(first.now, attempt::phase::offered);
  EXPECT_EQ(attempts.size(), 1u);
  EXPECT_EQ(nodes.outstanding(1), 1u);
  EXPECT_EQ(run.state->status_of(0), run_state::status::queued);
  EXPECT_EQ(run.touched, active_run::bit(1));
  run.state->hold_back(0, true);
  release(first);
  EXPECT_TRUE(attempts.invariants());
  EXPECT_TRUE(attempts.empty());
  EXPECT_EQ(nodes.outstanding(1), 0u);
  EXPECT_EQ(&offer(run, 0), &first) << "the entry is used again";
  EXPECT_TRUE(attempts.invariants());
}

TEST_F(attempt_tables, find_only_the_attempt_that_counts_and_only_for_its_node) {
  auto& run = add(many(2));
  auto& a = offer(run, 1);
  EXPECT_EQ(attempts.find(&run, 0, 1, node_b), &a);
  EXPECT_EQ(attempts.find(&run, 0, 1, {}), &a) << "this node's messages have no node";
  EXPECT_EQ(attempts.find(&run, 0, 1, node_a), nullptr) << "it was not offered this task";
  EXPECT_EQ(attempts.find(&run, 0, 2, node_b), nullptr) << "another number";
  EXPECT_EQ(attempts.find(&run, 1, 1, node_b), nullptr) << "not offered";
  EXPECT_EQ(attempts.find(&run, 9, 1, node_b), nullptr) << "no such task";
  EXPECT_EQ(attempts.find(nullptr, 0, 1, node_b), nullptr) << "no such run";
}

TEST_F(attempt_tables, let_time_run_from_the_start_alone) {
  auto& run = add(many(2));
  offer(run, 0);
  offer(run, 0);
  auto& waits = at(run, 0);
  auto& works = at(run, 1);
  now += 1h;
  EXPECT_TRUE(start(works));
  now += 1s;
  EXPECT_FALSE(start(works)) << "it has begun before";
  now -= 1s;
  EXPECT_TRUE(attempts.invariants());
  EXPECT_EQ(run.state->status_of(works.task), run_state::status::running);
  auto due = now + 1'000ms + limits::task_deadline_slack;
  auto early = attempts.find_overdue(due - 1ms);
  EXPECT_TRUE(early.attempts.empty());
  EXPECT_EQ(early.next, due);
  auto late = attempts.find_overdue(due);
  EXPECT_EQ(late.attempts, std::vector<attempt*>{&works});
  EXPECT_FALSE(late.next) << "what waits has no deadline";
  EXPECT_EQ(waits.now, attempt::phase::offered);
}

TEST_F(attempt_tables, call_off_one_attempt_or_a_run_where_it_was_offered) {
  auto& run = add(many(2));
  auto& a = offer(run, 1);
  auto where = context();
  attempts.call_off(where, self, a);
  attempts.call_off_everywhere(where, self, run);
  auto cancels = sent<TaskCancel>();
  ASSERT_EQ(cancels.size(), 2u);
  for (const auto& [target, cancel] : cancels) {
    EXPECT_EQ(target, address::of(service::queue, node_b)) << "node a was offered nothing";
    EXPECT_EQ(cancel.run(), to_bytes(run.id));
  }
  ASSERT_EQ(cancels[0].second.tasks_size(), 1);
  EXPECT_EQ(cancels[0].second.tasks(0).attempt(), 1u);
  EXPECT_EQ(cancels[1].second.tasks_size(), 0) << "all of the run";
  nodes.update(make_members({make_member(node_a, MEMBER_UP), make_member(node_b, MEMBER_DOWN)}));
  attempts.call_off_everywhere(where, self, run);
  EXPECT_EQ(sent<TaskCancel>().size(), 2u) << "nobody is there to hear it";
}

TEST_F(attempt_tables, say_when_an_attempt_and_its_task_disagree) {
  auto& run = add(many(1));
  offer(run, 0);
  run.state->started(0); // behind the table's back
  EXPECT_FALSE(attempts.invariants());
}

} // namespace
} // namespace troupe::tests
