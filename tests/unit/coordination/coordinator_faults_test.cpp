#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "tests/unit/coordination/coordinator_fixture.hpp"

#include <set>

/// What fails is tried again, elsewhere if possible, and never for ever.
namespace troupe::testing {
namespace {

using coordinator_faults = coordinator;

TEST_F(coordinator_faults, tries_again_elsewhere_what_may_pass) {
  three_nodes();
  auto graph = many(1);
  graph.mutable_tasks(0)->set_attempts(3);
  submit(graph);
  std::set<node_id> used;
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    auto offer = only_offer();
    EXPECT_EQ(offer.task.attempt(), attempt);
    if (attempt > 1) {
      EXPECT_FALSE(used.contains(offer.node)) << "where it failed";
    }
    used = {offer.node};
    failed(offer.task,
           attempt == 1 ? ec::timed_out : (attempt == 2 ? ec::provider_failed : ec::agent_failed));
  }
  EXPECT_TRUE(offers().empty());
  auto ended = by.only<RunEnded>();
  EXPECT_FALSE(ended.ok());
  EXPECT_EQ(ended.tasks(0).attempts(), 3u);
  EXPECT_EQ(ended.tasks(0).failure().code(), static_cast<std::uint32_t>(ec::agent_failed));
  EXPECT_EQ(ended.failure().code(), static_cast<std::uint32_t>(ec::task_failed));
}

TEST_F(coordinator_faults, tries_again_on_the_same_node_when_there_is_no_other) {
  submit(many(1));
  failed(only_offer().task, ec::agent_failed);
  auto again = only_offer();
  EXPECT_EQ(again.node, node_a);
  EXPECT_EQ(again.task.attempt(), 2u);
}

TEST_F(coordinator_faults, waits_for_room_elsewhere_rather_than_fail_there_again) {
  by.tell(make_members({make_member(node_a, MEMBER_UP), make_member(node_b, MEMBER_UP)}));
  submit(many(4));
  auto all = offers();
  ASSERT_EQ(all.size(), 4u);
  failed(all[0].task, ec::agent_failed);
  EXPECT_TRUE(offers().empty()) << "the other node has enough";
  auto other = std::find_if(all.begin(), all.end(),
                            [&](const auto& one) { return one.node != all[0].node; });
  done(other->task);
  EXPECT_EQ(only_offer().node, other->node);
}

TEST_F(coordinator_faults, does_not_try_again_what_will_not_pass) {
  submit(many(1));
  failed(only_offer().task, ec::invalid_argument);
  EXPECT_TRUE(offers().empty());
  auto ended = by.only<RunEnded>();
  EXPECT_EQ(ended.tasks(0).attempts(), 1u);
  EXPECT_EQ(ended.tasks(0).failure().message(), "it failed");
}

TEST_F(coordinator_faults, lets_a_moment_pass_before_it_asks_the_overloaded_again) {
  submit(many(1));
  failed(only_offer().task, ec::overloaded);
  EXPECT_TRUE(offers().empty());
  EXPECT_TRUE(by.armed(timer_retry));
  by.now += limits::offer_backoff_max;
  by.fire(timer_retry);
  EXPECT_EQ(only_offer().task.attempt(), 2u);
}

TEST_F(coordinator_faults, offers_again_what_a_lost_node_had_and_drops_its_late_results) {
  three_nodes();
  submit(many(6));
  auto all = offers();
  for (const auto& one : all)
    if (one.node != node_b)
      done(one.task);
  std::vector<Task> lost;
  for (const auto& one : all)
    if (one.node == node_b)
      lost.push_back(one.task);
  ASSERT_EQ(lost.size(), 2u);
  started(lost[0]);
  states(MEMBER_SUSPECT, MEMBER_UP);
  auto again = offers();
  ASSERT_EQ(again.size(), 2u);
  for (const auto& one : again) {
    EXPECT_NE(one.node, node_b);
    EXPECT_EQ(one.task.attempt(), 2u);
  }
  EXPECT_EQ(counted.plain().late_results, 0u);
  done(lost[0], "late");
  done(lost[0], "late");
  EXPECT_EQ(counted.plain().late_results, 2u);
  EXPECT_TRUE(by.take<RunEnded>().empty());
  done(again[0].task, "in time");
  done(again[1].task);
  auto ended = by.only<RunEnded>();
  EXPECT_TRUE(ended.ok());
  done(again[1].task, "after the end");
  EXPECT_EQ(counted.plain().late_results, 3u);
}

TEST_F(coordinator_faults, calls_off_stale_tasks_when_a_node_comes_back) {
  three_nodes();
  auto run = submit(many(6));
  offers();
  states(MEMBER_SUSPECT, MEMBER_UP);
  by.clear();
  states(MEMBER_UP, MEMBER_UP);
  auto cancels = by.take_envelopes<TaskCancel>();
  ASSERT_EQ(cancels.size(), 1u);
  EXPECT_EQ(cancels[0].target, address::of(service::queue, node_b));
  EXPECT_EQ(cancels[0].body.as<TaskCancel>()->run(), run);
}

TEST_F(coordinator_faults, counts_an_attempt_only_if_the_lost_task_had_begun) {
  auto graph = many(1);
  graph.mutable_tasks(0)->set_attempts(1);
  auto idle = make_member(node_a, MEMBER_UP, 2, {"noop"});
  by.tell(make_members({idle, make_member(node_b, MEMBER_UP), make_member(node_c, MEMBER_UP)}));
  submit(graph);
  auto first = only_offer();
  by.tell(make_members({idle, make_member(node_b, first.node == node_b ? MEMBER_DOWN : MEMBER_UP),
                        make_member(node_c, first.node == node_c ? MEMBER_DOWN : MEMBER_UP)}));
  auto second = only_offer();
  EXPECT_NE(second.node, first.node);
  EXPECT_EQ(second.task.attempt(), 2u);
}

TEST_F(coordinator_faults, does_not_send_a_task_that_may_have_killed_its_node_round_the_cluster) {
  auto graph = many(1);
  graph.mutable_tasks(0)->set_attempts(1);
  by.tell(make_members({make_member(node_a, MEMBER_UP, 2, {"noop"}), make_member(node_b, MEMBER_UP),
                        make_member(node_c, MEMBER_UP)}));
  submit(graph);
  auto offer = only_offer();
  started(offer.task);
  by.tell(make_members({make_member(node_a, MEMBER_UP, 2, {"noop"}),
                        make_member(node_b, offer.node == node_b ? MEMBER_DOWN : MEMBER_UP),
                        make_member(node_c, offer.node == node_c ? MEMBER_DOWN : MEMBER_UP)}));
  EXPECT_TRUE(offers().empty());
  EXPECT_EQ(by.only<RunEnded>().tasks(0).failure().code(),
            static_cast<std::uint32_t>(ec::unavailable));
}

TEST_F(coordinator_faults, treats_a_node_in_a_new_life_as_one_that_lost_its_tasks) {
  by.tell(
      make_members({make_member(node_a, MEMBER_UP, 2, {"noop"}), make_member(node_b, MEMBER_UP)}));
  submit(many(1));
  EXPECT_EQ(only_offer().node, node_b);
  auto reborn = make_member(node_b, MEMBER_UP);
  reborn.mutable_info()->set_incarnation(2);
  by.tell(make_members({make_member(node_a, MEMBER_UP, 2, {"noop"}), reborn}));
  auto again = only_offer();
  EXPECT_EQ(again.node, node_b);
  EXPECT_EQ(again.task.attempt(), 2u);
}

TEST_F(coordinator_faults, offers_elsewhere_what_a_full_queue_refused) {
  by.tell(make_members({make_member(node_a, MEMBER_UP), make_member(node_b, MEMBER_UP)}));
  submit(many(1));
  auto first = only_offer();
  refused(first.task);
  auto second = only_offer();
  EXPECT_NE(second.node, first.node);
  EXPECT_EQ(second.task.attempt(), 1u) << "nobody tried";
  refused(second.task);
  EXPECT_TRUE(offers().empty()) << "both are left alone for a while";
  EXPECT_TRUE(by.armed(timer_retry));
  by.now += limits::offer_backoff_min;
  by.fire(timer_retry);
  EXPECT_EQ(only_offer().task.attempt(), 1u);
}

TEST_F(coordinator_faults, does_not_hang_on_a_silent_node) {
  by.tell(make_members({make_member(node_a, MEMBER_UP, 2, {"noop"}), make_member(node_b, MEMBER_UP),
                        make_member(node_c, MEMBER_UP)}));
  auto graph = many(1);
  graph.mutable_tasks(0)->set_time_ms(1'000);
  submit(graph);
  EXPECT_TRUE(by.armed(timer_deadline));
  auto first = only_offer();
  by.now += 1s;
  started(first.task);
  by.now += limits::task_deadline_slack + 500ms;
  by.clear();
  by.fire(timer_deadline);
  EXPECT_TRUE(offers().empty()) << "its time runs from when it began";
  EXPECT_TRUE(by.armed(timer_deadline));
  by.now += 500ms;
  by.fire(timer_deadline);
  auto second = only_offer();
  EXPECT_NE(second.node, first.node);
  EXPECT_EQ(second.task.attempt(), 2u);
}

TEST_F(coordinator_faults, gives_up_in_the_end_on_nodes_that_never_answer) {
  submit(many(1));
  std::uint32_t offered = 0;
  for (int i = 0; i < 50 && by.take<RunEnded>().empty(); ++i) {
    offered += static_cast<std::uint32_t>(offers().size());
    by.now += 10min;
    by.fire(timer_deadline);
  }
  EXPECT_EQ(offered, limits::task_attempts_max);
}

} // namespace
} // namespace troupe::testing
