#include "actors/coordination/queue_logic.hpp"
#include "tests/unit/coordination/coordinator_fixture.hpp"

/// News of a task is believed only from its owner or from the node that was offered this attempt.
/// Links stamp the sender's node (actors/host/link_broker.cpp).
namespace troupe::tests {

namespace {

using forged_news = coordinator;

TEST_F(forged_news, of_a_task_count_from_the_node_that_was_offered_it_only) {
  three_nodes();
  submit(many(1));
  auto offered = only_offer();
  auto elsewhere = offered.node == node_c ? node_b : node_c;
  auto queue_at = [](node_id node) { return address::of(service::queue, node); };
  auto result = about<TaskDone>(offered.task);
  result.set_output(bytes_of(text_value("forged")));
  TasksRefused refusal;
  *refusal.add_tasks() = about<TasksRefused::One>(offered.task);

  by.tell(result, queue_at(elsewhere));
  by.tell(about<TaskStarted>(offered.task), queue_at(elsewhere));
  by.tell(refusal, queue_at(elsewhere));
  EXPECT_TRUE(by.take<RunEnded>().empty()) << "the result of a node that was not asked counts";
  EXPECT_TRUE(offers().empty()) << "it was refused by a node that was not asked";
  EXPECT_EQ(counted.plain().late_results, 1u);

  result.set_output(bytes_of(text_value("right")));
  by.tell(result, queue_at(offered.node));
  EXPECT_TRUE(by.only<RunEnded>().ok());
}

class forged_orders : public ::testing::Test {
protected:
  void offer_from(node_id sender, node_id claimed, std::uint32_t index) {
    TaskOffer made;
    made.set_owner(to_bytes(claimed));
    auto& task = *made.add_tasks();
    task.set_run(to_bytes(run_id{5, 5}));
    task.set_index(index);
    task.set_attempt(1);
    task.set_role("reader");
    task.set_time_ms(1'000);
    by.tell(std::move(made), address::of(service::coordinator, sender));
  }

  role_table roles = some_roles();
  metrics counted;
  queue_logic logic{{1, 3}, roles, counted};
  hand by{logic, service::queue, node_b};
};

TEST_F(forged_orders, go_by_who_sent_them_not_by_what_they_say) {
  offer_from(node_c, node_a, 1);
  auto started = by.take_envelopes<TaskStarted>();
  ASSERT_EQ(started.size(), 1u);
  EXPECT_EQ(started[0].target, address::of(service::coordinator, node_c));
}

TEST_F(forged_orders, to_call_off_a_run_are_heard_from_its_owner_only) {
  offer_from(node_a, node_a, 1);
  offer_from(node_a, node_a, 2);
  TaskCancel cancel;
  cancel.set_run(to_bytes(run_id{5, 5}));
  by.tell(cancel, address::of(service::coordinator, node_c));
  EXPECT_EQ(counted.plain().queue_length, 1u);
  EXPECT_EQ(counted.plain().tasks_running, 1u);
  by.tell(cancel, address::of(service::coordinator, node_a));
  EXPECT_EQ(counted.plain().queue_length, 0u);
  EXPECT_EQ(counted.plain().tasks_running, 0u);
}

} // namespace

} // namespace troupe::tests
