#include "config/limits/links.hpp"
#include "config/limits/supervision.hpp"
#include "tests/unit/coordination/queue_fixture.hpp"

#include <gmock/gmock.h>

/// What owners want from a queue: their share, what it holds for them, and that it gives tasks up.
namespace troupe::tests {
namespace {

TEST_F(queue, tells_the_agent_whose_time_is_over) {
  offer({task(1)});
  auto requests = work();
  by.now += 1s;
  by.fire(timer_slots);
  auto told = cancels();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].id, requests[0].id);
  EXPECT_EQ(told[0].target, requests[0].target);
  EXPECT_EQ(told[0].sender, requests[0].sender);
}

TEST_F(queue, replaces_an_agent_that_does_not_give_up_and_uses_its_slot_last) {
  offer({task(1), task(2), task(3)});
  auto requests = work();
  call_off({{1, 1}});
  EXPECT_TRUE(work().empty()) << "the agent has not answered";
  EXPECT_EQ(busy("reader"), 2u);
  by.now += limits::cancel_patience - 1ms;
  by.fire(timer_slots);
  EXPECT_TRUE(by.take<AgentStop>().empty());
  by.now += 1ms;
  by.fire(timer_slots);
  auto orders = by.take_envelopes<AgentStop>();
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].target, address::of(service::roles, node_b));
  EXPECT_EQ(orders[0].body.as<AgentStop>()->agent(), requests[0].target.agent.text());
  EXPECT_TRUE(work().empty()) << "the old one may still be found";
  answer_well(requests[0]);
  EXPECT_TRUE(work().empty()) << "whatever the old one says";
  answer(orders[0], AgentStop{});
  auto next = work();
  EXPECT_EQ(indices(next), numbers{3});
  EXPECT_EQ(busy("reader"), 2u);
  // The other slot becomes free first, although it was returned later than the replaced one.
  answer_well(next[0]);
  answer_well(requests[1]);
  EXPECT_EQ(busy("reader"), 0u);
  call_off({});
  offer({task(4)});
  auto replaced = work();
  call_off({{4, 1}});
  by.now += limits::cancel_patience;
  by.fire(timer_slots);
  answer(by.take_envelopes<AgentStop>().at(0), AgentStop{});
  offer({task(5)});
  EXPECT_NE(work().at(0).target.agent, replaced[0].target.agent);
}

TEST_F(queue, uses_a_slot_again_when_nobody_can_replace_its_agent) {
  offer({task(1), task(2), task(3)});
  work();
  call_off({{1, 1}, {2, 1}});
  by.now += limits::cancel_patience;
  by.fire(timer_slots);
  auto orders = by.take_envelopes<AgentStop>();
  ASSERT_EQ(orders.size(), 2u);
  answer(orders[0], to_proto(failure{ec::unavailable, "roles is being started again"}));
  auto next = work();
  EXPECT_EQ(indices(next), numbers{3});
  by.now += limits::stop_timeout;
  by.fire(timer_slots);
  EXPECT_EQ(busy("reader"), 1u) << "it does not wait for ever for an answer";
}

TEST_F(queue, has_a_free_slot_as_soon_as_the_agent_gives_up) {
  offer({task(1), task(2), task(3), task(4, "reader", 1, {6, 6})});
  auto requests = work();
  call_off({});
  EXPECT_EQ(busy("reader"), 2u) << "they are at work until they say otherwise";
  auto told = cancels();
  ASSERT_EQ(told.size(), 2u);
  answer(requests[0], to_proto(failure{ec::cancelled, "told to"}));
  auto next = work();
  EXPECT_EQ(indices(next), numbers{4});
  answer(requests[1], to_proto(failure{ec::cancelled, "told to"}));
  EXPECT_EQ(busy("reader"), 1u);
  EXPECT_EQ(by.take<TaskDone>().size(), 2u) << "so that the owner knows when the run is over";
}

TEST_F(queue, calls_off_one_attempt_and_leaves_the_others) {
  offer({task(1), task(2), task(3), task(3, "reader", 2)});
  auto requests = work();
  call_off({{2, 1}, {3, 1}, {9, 9}});
  EXPECT_EQ(counted.plain().queue_length, 1u);
  EXPECT_EQ(counted.plain().tasks_running, 1u);
  auto told = cancels();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].id, requests[1].id);
  answer_well(requests[0]);
  EXPECT_EQ(by.only<TaskDone>().index(), 1u);
  auto next = work();
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].body.as<TaskWork>()->task().attempt(), 2u);
}

TEST_F(queue, says_what_it_holds_of_what_its_owner_asks_for) {
  offer({task(1), task(2), task(3)});
  answer_well(work()[1]);
  by.clear();
  TasksAsked asked;
  asked.set_owner(to_bytes(node_a));
  asked.set_round(7);
  auto& group = *asked.add_tasks();
  group.set_run(to_bytes(run_id{5, 5}));
  for (std::uint32_t index : {1, 2, 3, 4}) {
    group.add_index(index);
    group.add_attempt(1);
  }
  offer({task(4), task(5), task(6)});
  by.clear();
  by.tell(asked, address::of(service::coordinator, node_a));
  auto sent = by.take_envelopes<TasksHeld>();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target, address::of(service::coordinator, node_a));
  auto& held = *sent[0].body.as<TasksHeld>();
  EXPECT_EQ(held.round(), 7u);
  ASSERT_EQ(held.running_size(), 1);
  EXPECT_THAT(held.running(0).index(), ::testing::ElementsAre(1u, 3u));
  ASSERT_EQ(held.waiting_size(), 1);
  EXPECT_THAT(held.waiting(0).index(), ::testing::ElementsAre(4u));
  EXPECT_EQ(held.waiting(0).run(), to_bytes(run_id{5, 5}));
  EXPECT_TRUE(held.reported().empty()) << "a small result is there before this answer";
  EXPECT_EQ(counted.plain().queue_length, 3u) << "the question was not for all that it has here";
}

TEST_F(queue, calls_off_what_its_owner_does_not_name_any_more) {
  offer({task(1), task(2), task(3), task(4)});
  auto requests = work();
  TasksAsked asked;
  asked.set_owner(to_bytes(node_a));
  asked.set_complete(true);
  auto& group = *asked.add_tasks();
  group.set_run(to_bytes(run_id{5, 5}));
  for (std::uint32_t index : {1, 3}) {
    group.add_index(index);
    group.add_attempt(1);
  }
  by.tell(asked);
  auto told = cancels();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].id, requests[1].id);
  EXPECT_EQ(counted.plain().queue_length, 1u);
  asked.set_owner(to_bytes(node_c));
  asked.clear_tasks();
  by.tell(asked);
  EXPECT_EQ(counted.plain().queue_length, 1u) << "others have nothing to say about them";
  EXPECT_TRUE(cancels().empty());
}

TEST_F(queue, says_that_a_large_result_is_on_its_way) {
  offer({task(1)});
  AgentReply reply;
  reply.mutable_output()->set_text(std::string(100'000, 'x'));
  answer(work()[0], std::move(reply));
  by.clear();
  TasksAsked asked;
  asked.set_owner(to_bytes(node_a));
  auto& group = *asked.add_tasks();
  group.set_run(to_bytes(run_id{5, 5}));
  group.add_index(1);
  group.add_attempt(1);
  by.tell(asked);
  ASSERT_EQ(by.only<TasksHeld>().reported_size(), 1);
  by.now += limits::result_lost_after;
  by.tell(asked);
  EXPECT_EQ(by.only<TasksHeld>().reported_size(), 0);
}

TEST_F(queue, calls_off_the_tasks_of_an_owner_that_went_or_began_a_new_life) {
  members(MEMBER_UP);
  offer({task(1), task(2), task(3)});
  by.clear();
  members(MEMBER_UP);
  EXPECT_TRUE(cancels().empty()) << "nothing has changed";
  members(MEMBER_SUSPECT);
  EXPECT_EQ(cancels().size(), 2u);
  EXPECT_EQ(counted.plain().queue_length, 0u);
  members(MEMBER_UP);
  offer({task(4), task(5), task(6)});
  by.clear();
  members(MEMBER_UP, 2);
  EXPECT_EQ(counted.plain().queue_length, 0u);
  EXPECT_EQ(counted.plain().tasks_running, 0u);
}

TEST_F(queue, calls_off_the_tasks_of_an_owner_that_is_silent) {
  offer({task(1), task(2), task(3)});
  EXPECT_TRUE(by.armed(timer_owners));
  by.clear();
  by.now += limits::owner_silence_max - 1s;
  TasksAsked asked;
  asked.set_owner(to_bytes(node_a));
  by.tell(asked);
  by.now += 1s;
  by.fire(timer_owners);
  EXPECT_TRUE(cancels().empty()) << "it has asked";
  ASSERT_TRUE(by.armed(timer_owners));
  by.now += limits::owner_silence_max;
  by.fire(timer_owners);
  EXPECT_EQ(cancels().size(), 2u);
  EXPECT_EQ(counted.plain().queue_length, 0u);
}

TEST_F(queue, gives_free_slots_to_owners_in_turn_and_to_the_runs_of_one_in_turn) {
  queue_logic roomy{{1, 10}, roles, counted};
  hand by_roomy{roomy, service::queue, node_b};
  auto offer_to_roomy = [&](node_id owner, std::vector<Task> tasks) {
    TaskOffer made;
    made.set_owner(to_bytes(owner));
    for (auto& one : tasks)
      *made.add_tasks() = std::move(one);
    by_roomy.tell(std::move(made));
  };
  offer_to_roomy(node_a,
                 {task(0), task(1), task(2), task(3), task(4), task(20, "reader", 1, {6, 6})});
  offer_to_roomy(node_c, {task(30, "reader", 1, {7, 7}), task(31, "reader", 1, {7, 7})});
  numbers order;
  for (auto next = by_roomy.take_envelopes<TaskWork>(); !next.empty();
       next = by_roomy.take_envelopes<TaskWork>()) {
    order.push_back(next[0].body.as<TaskWork>()->task().index());
    AgentReply reply;
    reply.mutable_output()->set_text("good");
    by_roomy.give(reply_to(next[0], std::move(reply)));
  }
  EXPECT_EQ(order, (numbers{0, 1, 30, 20, 31, 2, 3, 4}));
}

TEST_F(queue, takes_room_for_an_owner_from_one_that_has_more) {
  offer({task(1), task(2), task(3), task(4), task(5)});
  by.clear();
  TaskOffer other;
  other.set_owner(to_bytes(node_c));
  for (std::uint32_t index : {11, 12})
    *other.add_tasks() = task(index, "reader", 1, {7, 7});
  by.tell(other);
  auto refused = by.take_envelopes<TasksRefused>();
  ASSERT_EQ(refused.size(), 2u);
  EXPECT_EQ(refused[0].target, address::of(service::coordinator, node_a));
  EXPECT_EQ(refused[0].body.as<TasksRefused>()->tasks(0).index(), 5u)
      << "the youngest of who has most";
  EXPECT_EQ(refused[1].target, address::of(service::coordinator, node_c)) << "two to one is fair";
  EXPECT_EQ(counted.plain().queue_length, 3u);
}

TEST_F(queue, forgets_the_tasks_of_a_cancelled_run) {
  offer({task(1), task(2), task(3), task(4, "reader", 1, {6, 6})});
  auto requests = work();
  TaskCancel cancel;
  cancel.set_run(to_bytes(run_id{5, 5}));
  by.tell(cancel);
  EXPECT_EQ(counted.plain().queue_length, 1u);
  EXPECT_EQ(counted.plain().tasks_running, 0u);
  answer_well(requests[0]);
  auto told = by.take<TaskDone>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].failure().code(), static_cast<std::uint32_t>(ec::cancelled))
      << "its result does not count";
  auto next = work();
  EXPECT_EQ(indices(next), numbers{4});
  offer({task(1)});
  EXPECT_EQ(counted.plain().queue_length, 1u) << "it may come again";
}

TEST_F(queue, gives_back_everything_when_it_stops) {
  offer({task(1), task(2), task(3)});
  work();
  by.stop();
  EXPECT_EQ(by.only<TasksRefused>().tasks(0).index(), 3u);
  auto done = by.take<TaskDone>();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0].failure().code(), static_cast<std::uint32_t>(ec::unavailable));
  EXPECT_EQ(cancels().size(), 2u) << "whoever takes its place finds free slots";
  EXPECT_EQ(counted.plain().queue_length, 0u);
  EXPECT_EQ(counted.plain().tasks_running, 0u);
}

} // namespace
} // namespace troupe::tests
