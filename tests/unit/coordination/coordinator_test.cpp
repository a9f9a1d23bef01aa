#include "config/limits/answers.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/coordination/coordinator_fixture.hpp"

#include <set>

namespace troupe::tests {
namespace {

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

TEST_F(coordinator, tells_the_notes_on_a_task_s_result) {
  submit(many(2));
  auto tasks = offers();
  ASSERT_EQ(tasks.size(), 2u);
  auto made = about<TaskDone>(tasks[0].task);
  made.set_output(bytes_of(text_value("cut")));
  for (std::size_t i = 0; i <= limits::reply_notes_max; ++i)
    made.add_notes("note " + std::to_string(i));
  by.tell(std::move(made));
  done(tasks[1].task);
  auto ended = by.only<RunEnded>();
  std::size_t all = 0;
  for (const auto& task : ended.tasks()) {
    all += static_cast<std::size_t>(task.notes_size());
    if (task.notes_size() > 0) {
      EXPECT_EQ(task.notes(0), "note 0");
    }
  }
  EXPECT_EQ(all, limits::reply_notes_max) << "of one task, and no more than that";
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

} // namespace
} // namespace troupe::tests
