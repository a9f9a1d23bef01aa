#include "actors/coordination/run_table.hpp"

#include "config/limits/links.hpp"
#include "tests/unit/coordination/owner_parts.hpp"

namespace troupe::tests {
namespace {

using run_tables = owner_parts;

TEST_F(run_tables, name_each_run_that_ends_once) {
  auto& done = add(many(1), 1);
  auto& over = add(many(1), 2);
  auto& goes_on = add(many(1), 3);
  runs.note(goes_on);
  EXPECT_EQ(runs.next_ended(), nullptr);
  auto task = done.state->take_ready(0);
  done.state->offered(task);
  succeed(*done.state, task, text_value("x"), {});
  runs.note(done);
  runs.note(done);
  runs.end_early(over, {ec::too_large, "first"});
  runs.end_early(over, {ec::cancelled, "second"});
  EXPECT_TRUE(runs.invariants());
  EXPECT_EQ(over.over->message, "first");
  EXPECT_EQ(runs.next_ended(), &done);
  EXPECT_EQ(runs.next_ended(), &over);
  EXPECT_EQ(runs.next_ended(), nullptr);
}

TEST_F(run_tables, forget_a_run_that_is_taken) {
  auto& run = add(many(1), 1);
  runs.end_early(run, {ec::cancelled, "over"});
  auto id = run.id;
  auto taken = runs.take(run);
  EXPECT_EQ(taken->id, id);
  EXPECT_EQ(runs.find(id), nullptr);
  EXPECT_EQ(runs.next_ended(), nullptr);
  EXPECT_TRUE(runs.empty());
  EXPECT_TRUE(runs.invariants());
}

TEST_F(run_tables, find_the_runs_of_a_client_that_did_not_come_back) {
  auto& run = add(many(1), 1);
  auto& other = add(many(1), 2);
  SessionClosed closed;
  closed.set_session(1);
  runs.session_closed(closed, node_a, now);
  auto soon = runs.find_left_alone(now);
  EXPECT_TRUE(soon.runs.empty()) << "it may be on its way back";
  EXPECT_EQ(soon.next, now + limits::client_return_max);
  auto later = runs.find_left_alone(now + limits::client_return_max);
  EXPECT_EQ(later.runs, std::vector<active_run*>{&run});
  closed.set_session(2);
  runs.session_closed(closed, node_b, now);
  EXPECT_FALSE(other.gone) << "it is attached to node a";
  closed.set_left(true);
  runs.session_closed(closed, node_a, now);
  EXPECT_EQ(runs.find_left_alone(now).runs, std::vector<active_run*>{&other}) << "it said good-bye";
}

TEST_F(run_tables, find_the_run_of_a_submission) {
  auto& run = add(many(1), 7);
  envelope request;
  request.id = run.request;
  request.sender = run.submitter;
  EXPECT_EQ(runs.find_request(request), &run);
  request.id.sequence = 2;
  EXPECT_EQ(runs.find_request(request), nullptr);
}

} // namespace
} // namespace troupe::tests
