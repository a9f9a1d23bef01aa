#include "actors/coordination/coordinator_logic.hpp"
#include "tests/unit/coordination/hand.hpp"

#include <set>

namespace troupe::testing {
namespace {

constexpr std::uint32_t timer_progress = 1, timer_deadline = 2, timer_retry = 3;
const auto client = address::of_session({42}, node_a);

Graph many(int tasks, const std::string& role = "reader") {
  Graph graph;
  graph.set_name("many");
  for (int i = 0; i < tasks; ++i) {
    auto task = graph.add_tasks();
    task->set_id("t" + std::to_string(i));
    task->set_role(role);
  }
  return graph;
}

/// A task as it came, and where it was sent.
struct offered_task {
  node_id node;
  Task task;
};

class coordinator : public ::testing::Test {
protected:
  role_table roles = some_roles();
  metrics counted;
  coordinator_logic logic{{2, 3}, roles, counted};
  hand by{logic, service::coordinator};

  void three_nodes() {
    by.tell(make_members({make_member(node_a, MEMBER_UP), make_member(node_b, MEMBER_UP),
                          make_member(node_c, MEMBER_UP)}));
  }
  void states(MemberState b, MemberState c) {
    by.tell(make_members(
        {make_member(node_a, MEMBER_UP), make_member(node_b, b), make_member(node_c, c)}));
  }
  std::string submit(Graph graph, bool progress = false, trace_context trace = {}) {
    RunSubmit submit;
    *submit.mutable_graph() = std::move(graph);
    submit.set_want_progress(progress);
    by.ask(std::move(submit), client, trace);
    return by.only<RunAccepted>().run();
  }
  std::vector<offered_task> offers() {
    std::vector<offered_task> all;
    for (auto& sent : by.take_envelopes<TaskOffer>()) {
      EXPECT_EQ(sent.target.svc, service::queue);
      EXPECT_EQ(sent.sender, address::of(service::coordinator, node_a));
      for (auto& task : *sent.body.as<TaskOffer>()->mutable_tasks())
        all.push_back({sent.target.node, task});
    }
    return all;
  }
  offered_task only_offer() {
    auto all = offers();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? offered_task{} : all.front();
  }
  template <class Message>
  static Message about(const Task& task) {
    Message made;
    made.set_run(task.run());
    made.set_index(task.index());
    made.set_attempt(task.attempt());
    return made;
  }
  void started(const Task& task) { by.tell(about<TaskStarted>(task)); }
  void done(const Task& task, std::string output = "done") {
    auto made = about<TaskDone>(task);
    made.mutable_output()->set_text(std::move(output));
    by.tell(std::move(made));
  }
  void failed(const Task& task, ec code) {
    auto made = about<TaskDone>(task);
    *made.mutable_failure() = to_proto({code, "it failed"});
    by.tell(std::move(made));
  }
  void refused(const Task& task) {
    TasksRefused made;
    *made.add_tasks() = about<TasksRefused::One>(task);
    by.tell(std::move(made));
  }
  static std::map<node_id, int> count_by_node(const std::vector<offered_task>& all) {
    std::map<node_id, int> counts;
    for (const auto& one : all)
      ++counts[one.node];
    return counts;
  }
};

TEST_F(coordinator, accepts_a_run_and_sees_a_chain_to_its_end) {
  auto run = submit(*find_builtin_graph("chain"));
  EXPECT_EQ(run.size(), 16u);
  for (auto id : {"first", "second", "third"}) {
    auto offer = only_offer();
    EXPECT_EQ(offer.task.id(), id);
    EXPECT_EQ(offer.task.run(), run);
    EXPECT_EQ(offer.node, node_a);
    EXPECT_EQ(offer.task.time_ms(), 60'000u) << "the role's own limit";
    done(offer.task, id);
  }
  auto sent = by.take_envelopes<RunEnded>();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target, client);
  EXPECT_EQ(sent[0].kind, message_kind::event);
  EXPECT_EQ(sent[0].id.sequence, 1u) << "the id of the submission";
  auto ended = *sent[0].body.as<RunEnded>();
  EXPECT_TRUE(ended.ok());
  EXPECT_EQ(ended.result().text(), "third");
  EXPECT_EQ(ended.tasks_size(), 3);
}

TEST_F(coordinator, offers_tasks_in_one_batch_for_each_node) {
  three_nodes();
  submit(many(6));
  auto batches = by.take_envelopes<TaskOffer>();
  ASSERT_EQ(batches.size(), 3u);
  std::set<node_id> nodes;
  for (auto& batch : batches) {
    nodes.insert(batch.target.node);
    EXPECT_EQ(batch.body.as<TaskOffer>()->tasks_size(), 2);
    EXPECT_EQ(batch.body.as<TaskOffer>()->owner(), to_bytes(node_a));
  }
  EXPECT_EQ(nodes.size(), 3u);
}

TEST_F(coordinator, takes_turns_among_equal_nodes) {
  three_nodes();
  std::set<node_id> used;
  for (int i = 0; i < 3; ++i) {
    submit(many(1));
    auto offer = only_offer();
    used.insert(offer.node);
    done(offer.task);
  }
  EXPECT_EQ(used.size(), 3u);
}

TEST_F(coordinator, gives_more_to_nodes_of_more_capacity_and_to_those_that_are_done) {
  by.tell(make_members({make_member(node_a, MEMBER_UP, 4), make_member(node_b, MEMBER_UP, 8)}));
  submit(many(100));
  auto first = offers();
  auto counts = count_by_node(first);
  EXPECT_EQ(counts[node_a], 5) << "a quarter more than it works on at once";
  EXPECT_EQ(counts[node_b], 10);
  for (const auto& one : first)
    if (one.node == node_b)
      done(one.task);
  counts = count_by_node(offers());
  EXPECT_EQ(counts[node_b], 10) << "what waited goes to who is done";
  EXPECT_EQ(counts[node_a], 0);
}

TEST_F(coordinator, looks_at_the_load_of_a_role_before_that_of_all) {
  by.tell(make_members({make_member(node_a, MEMBER_UP, 4, {"reader"}),
                        make_member(node_b, MEMBER_UP, 4, {"reader", "editor"})}));
  submit(many(4, "editor"));
  EXPECT_EQ(count_by_node(offers())[node_b], 4);
  submit(many(6));
  auto counts = count_by_node(offers());
  EXPECT_EQ(counts[node_a], 3) << "the readers of b are as free as those of a";
  EXPECT_EQ(counts[node_b], 3);
}

TEST_F(coordinator, keeps_cheap_tasks_here_while_little_waits_here) {
  three_nodes();
  submit(many(7, "noop"));
  auto counts = count_by_node(offers());
  EXPECT_EQ(counts[node_a], 4) << "twice its capacity";
  EXPECT_EQ(counts[node_b] + counts[node_c], 3);
}

TEST_F(coordinator, offers_only_to_nodes_that_host_the_role) {
  by.tell(make_members({make_member(node_a, MEMBER_UP, 2, {"noop"}),
                        make_member(node_b, MEMBER_UP, 2, {"reader"}),
                        make_member(node_c, MEMBER_UP, 2, {"editor"})}));
  submit(many(2));
  EXPECT_EQ(count_by_node(offers())[node_b], 2);
}

TEST_F(coordinator, gives_up_when_nobody_who_hosts_the_role_comes_up) {
  by.tell(make_members({make_member(node_a, MEMBER_UP, 2, {"noop"}),
                        make_member(node_b, MEMBER_DOWN, 2, {"reader"})}));
  submit(many(2));
  EXPECT_TRUE(by.armed(timer_retry));
  by.now += limits::placement_patience - 1s;
  by.fire(timer_retry);
  EXPECT_TRUE(by.take<RunEnded>().empty());
  by.now += 2s;
  by.fire(timer_retry);
  auto ended = by.only<RunEnded>();
  EXPECT_EQ(ended.tasks(0).failure().code(), static_cast<std::uint32_t>(ec::unavailable));
  EXPECT_EQ(ended.tasks(1).failure().message(),
            "no node that does tasks for the role `reader` is up");
}

TEST_F(coordinator, refuses_wrong_submissions_at_once) {
  auto refused = [this](Graph graph) {
    RunSubmit submit;
    *submit.mutable_graph() = std::move(graph);
    by.ask(std::move(submit), client);
    EXPECT_TRUE(by.take<RunAccepted>().empty());
    return from_proto(by.only<Failure>());
  };
  EXPECT_EQ(refused(many(1, "librarian")).code, ec::invalid_argument) << "does no tasks";
  EXPECT_EQ(refused(many(1, "stranger")).code, ec::invalid_argument);
  EXPECT_EQ(refused(Graph{}).code, ec::invalid_argument);
  EXPECT_EQ(refused(*find_builtin_graph("digest")).code, ec::invalid_argument) << "no inputs";
}

TEST_F(coordinator, refuses_more_runs_than_it_may_have) {
  for (int i = 0; i < 3; ++i)
    submit(many(1));
  RunSubmit one_more;
  *one_more.mutable_graph() = many(1);
  by.ask(one_more, client);
  EXPECT_EQ(from_proto(by.only<Failure>()).code, ec::overloaded);
  done(offers()[0].task);
  submit(many(1));
}

TEST_F(coordinator, answers_a_repeated_submission_with_the_run_it_made) {
  RunSubmit submission;
  *submission.mutable_graph() = many(1);
  auto id = by.ask(submission, client);
  auto first = by.only<RunAccepted>();
  auto again = make_envelope(message_kind::request, address::of(service::coordinator), submission);
  again.sender = client;
  again.id = id;
  again.attempt = 2;
  by.give(std::move(again));
  EXPECT_EQ(by.only<RunAccepted>().run(), first.run());
  EXPECT_EQ(offers().size(), 1u);
}

TEST_F(coordinator, tries_again_elsewhere_what_may_pass) {
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

TEST_F(coordinator, tries_again_on_the_same_node_when_there_is_no_other) {
  submit(many(1));
  failed(only_offer().task, ec::agent_failed);
  auto again = only_offer();
  EXPECT_EQ(again.node, node_a);
  EXPECT_EQ(again.task.attempt(), 2u);
}

TEST_F(coordinator, waits_for_room_elsewhere_rather_than_fail_there_again) {
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

TEST_F(coordinator, does_not_try_again_what_will_not_pass) {
  submit(many(1));
  failed(only_offer().task, ec::invalid_argument);
  EXPECT_TRUE(offers().empty());
  auto ended = by.only<RunEnded>();
  EXPECT_EQ(ended.tasks(0).attempts(), 1u);
  EXPECT_EQ(ended.tasks(0).failure().message(), "it failed");
}

TEST_F(coordinator, lets_a_moment_pass_before_it_asks_the_overloaded_again) {
  submit(many(1));
  failed(only_offer().task, ec::overloaded);
  EXPECT_TRUE(offers().empty());
  EXPECT_TRUE(by.armed(timer_retry));
  by.now += limits::offer_backoff_max;
  by.fire(timer_retry);
  EXPECT_EQ(only_offer().task.attempt(), 2u);
}

TEST_F(coordinator, offers_again_what_a_lost_node_had_and_drops_its_late_results) {
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

TEST_F(coordinator, calls_off_stale_tasks_when_a_node_comes_back) {
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

TEST_F(coordinator, counts_an_attempt_only_if_the_lost_task_had_begun) {
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

TEST_F(coordinator, does_not_send_a_task_that_may_have_killed_its_node_round_the_cluster) {
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

TEST_F(coordinator, treats_a_node_in_a_new_life_as_one_that_lost_its_tasks) {
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

TEST_F(coordinator, offers_elsewhere_what_a_full_queue_refused) {
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

TEST_F(coordinator, does_not_hang_on_a_silent_node) {
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

TEST_F(coordinator, gives_up_in_the_end_on_nodes_that_never_answer) {
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
