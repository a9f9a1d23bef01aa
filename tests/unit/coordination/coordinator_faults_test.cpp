#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "tests/unit/coordination/coordinator_fixture.hpp"

#include <set>

/// A failed task is tried again, elsewhere if possible, and only so many times.
namespace troupe::tests {
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

TEST_F(coordinator_faults, counts_the_time_of_a_task_from_when_it_began) {
  by.tell(make_members({make_member(node_a, MEMBER_UP, 2, {"noop"}), make_member(node_b, MEMBER_UP),
                        make_member(node_c, MEMBER_UP)}));
  auto graph = many(1);
  graph.mutable_tasks(0)->set_time_ms(1'000);
  submit(graph);
  EXPECT_FALSE(by.armed(timer_deadline)) << "it may wait for as long as it must";
  auto first = only_offer();
  by.now += 1h;
  started(first.task);
  EXPECT_TRUE(by.armed(timer_deadline));
  by.now += 500ms + limits::task_deadline_slack;
  by.clear();
  by.fire(timer_deadline);
  EXPECT_TRUE(offers().empty());
  EXPECT_TRUE(by.armed(timer_deadline));
  by.now += 500ms;
  by.fire(timer_deadline);
  auto called_off = by.take_envelopes<TaskCancel>();
  ASSERT_EQ(called_off.size(), 1u) << "nobody waits for the old attempt";
  EXPECT_EQ(called_off[0].target, address::of(service::queue, first.node));
  ASSERT_EQ(called_off[0].body.as<TaskCancel>()->tasks_size(), 1);
  EXPECT_EQ(called_off[0].body.as<TaskCancel>()->tasks(0).index(), first.task.index());
  EXPECT_EQ(called_off[0].body.as<TaskCancel>()->tasks(0).attempt(), 1u);
  auto second = only_offer();
  EXPECT_NE(second.node, first.node);
  EXPECT_EQ(second.task.attempt(), 2u);
}

TEST_F(coordinator_faults, asks_queues_for_what_has_no_end_while_there_is_any) {
  three_nodes();
  auto run = submit(many(6));
  EXPECT_TRUE(by.armed(timer_held));
  auto all = offers();
  auto questions = asked();
  ASSERT_EQ(questions.size(), 3u);
  for (const auto& [node, question] : questions) {
    EXPECT_EQ(question.owner(), to_bytes(node_a));
    EXPECT_TRUE(question.complete());
    ASSERT_EQ(question.tasks_size(), 1);
    EXPECT_EQ(question.tasks(0).run(), run);
    EXPECT_EQ(question.tasks(0).index_size(), 2);
  }
  by.clear();
  for (const auto& one : all)
    done(one.task);
  by.clear();
  EXPECT_TRUE(asked().empty());
  EXPECT_FALSE(by.armed(timer_held));
}

TEST_F(coordinator_faults, offers_again_what_a_queue_does_not_know_for_a_while) {
  auto idle = make_member(node_a, MEMBER_UP, 2, {"noop"});
  by.tell(make_members({idle, make_member(node_b, MEMBER_UP)}));
  submit(many(2));
  auto all = offers();
  ASSERT_EQ(all.size(), 2u);
  auto since = by.now + limits::held_interval;
  while (by.now < since + limits::offer_lost_after) {
    EXPECT_TRUE(offers().empty()) << "it may be late";
    held(asked().at(node_b), {{all[0].task, held_as::waiting}});
  }
  auto again = offers();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].task.index(), all[1].task.index());
  EXPECT_EQ(again[0].task.attempt(), 2u);
  EXPECT_EQ(by.only<TaskCancel>().tasks(0).attempt(), 1u) << "should it come after all";
}

TEST_F(coordinator_faults, does_not_take_for_lost_what_is_there_again) {
  submit(many(1));
  auto task = only_offer().task;
  for (int i = 0; i < 20; ++i) {
    if (i % 2 == 0)
      held(asked().at(node_a), {});
    else
      held(asked().at(node_a), {{task, held_as::waiting}});
  }
  EXPECT_TRUE(offers().empty());
}

TEST_F(coordinator_faults, waits_longer_for_a_large_result_that_is_on_its_way) {
  submit(many(1));
  auto task = only_offer().task;
  auto since = by.now + limits::held_interval;
  while (by.now < since + limits::result_lost_after) {
    EXPECT_TRUE(offers().empty());
    held(asked().at(node_a), {{task, held_as::reported}});
  }
  EXPECT_EQ(only_offer().task.attempt(), 2u);
}

TEST_F(coordinator_faults, learns_from_its_queue_that_a_cheap_task_runs) {
  auto graph = many(1, "noop");
  graph.mutable_tasks(0)->set_time_ms(1'000);
  submit(graph);
  auto task = only_offer().task;
  for (int i = 0; i < 10; ++i)
    held(asked().at(node_a), {{task, held_as::waiting}});
  EXPECT_TRUE(offers().empty());
  EXPECT_FALSE(by.armed(timer_deadline));
  held(asked().at(node_a), {{task, held_as::running}});
  EXPECT_TRUE(by.armed(timer_deadline));
  by.now += 1s + limits::task_deadline_slack;
  by.fire(timer_deadline);
  EXPECT_EQ(only_offer().task.attempt(), 2u);
}

TEST_F(coordinator_faults, gives_up_a_queue_that_does_not_answer_and_leaves_it_alone) {
  auto idle = make_member(node_a, MEMBER_UP, 2, {"noop"});
  by.tell(make_members({idle, make_member(node_b, MEMBER_UP), make_member(node_c, MEMBER_UP)}));
  submit(many(8));
  auto all = offers();
  ASSERT_EQ(all.size(), 4u);
  for (auto waited = 0s; waited <= limits::queue_silence_max; waited += 1s) {
    auto questions = asked();
    std::vector<std::pair<Task, held_as>> of_b;
    for (const auto& one : all)
      if (one.node == node_b)
        of_b.push_back({one.task, held_as::waiting});
    held(questions.at(node_b), of_b);
    EXPECT_EQ(questions.count(node_c), 1u);
  }
  EXPECT_EQ(by.take<TaskCancel>().size(), 2u);
  EXPECT_TRUE(offers().empty()) << "b has enough, and c says nothing";
  for (const auto& one : all)
    if (one.node == node_b)
      done(one.task);
  for (const auto& one : offers())
    EXPECT_EQ(one.node, node_b);
  auto question = asked().at(node_c);
  EXPECT_TRUE(question.tasks().empty());
  held(question, {});
  EXPECT_EQ(count_by_node(offers())[node_c], 2) << "it has spoken";
}

TEST_F(coordinator_faults, gives_up_in_the_end_on_nodes_that_never_answer) {
  submit(many(1));
  std::uint32_t offered = 0;
  for (int i = 0; i < 200 && by.take<RunEnded>().empty(); ++i) {
    offered += static_cast<std::uint32_t>(offers().size());
    asked();
  }
  EXPECT_EQ(offered, limits::task_attempts_max);
}

TEST_F(coordinator_faults, lets_each_run_wait_its_own_time_for_a_node_that_hosts_its_role) {
  by.tell(make_members({make_member(node_a, MEMBER_UP, 2, {"noop"}),
                        make_member(node_b, MEMBER_DOWN, 2, {"reader"})}));
  auto first = submit(many(1));
  by.now += limits::placement_patience - 1s;
  submit(many(1));
  by.now += 1s;
  by.fire(timer_retry);
  EXPECT_EQ(by.only<RunEnded>().run(), first);
  EXPECT_TRUE(by.armed(timer_retry));
  by.now += limits::placement_patience - 1s;
  by.fire(timer_retry);
  EXPECT_EQ(by.take<RunEnded>().size(), 1u);
}

} // namespace
} // namespace troupe::tests
