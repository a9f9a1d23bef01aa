#include "config/limits/links.hpp"
#include "tests/unit/coordination/queue_fixture.hpp"

/// A queue's tasks and slots.
namespace troupe::tests {
namespace {

TEST_F(queue, says_how_many_slots_of_a_role_are_at_work) {
  EXPECT_EQ(busy("reader"), 0u);
  offer({task(1), task(2), task(3)});
  EXPECT_EQ(busy("reader"), 2u);
  auto requests = work();
  answer_well(requests[0]); // the third takes its slot
  EXPECT_EQ(busy("reader"), 2u);
  answer_well(requests[1]);
  EXPECT_EQ(busy("reader"), 1u);
}

TEST_F(queue, fails_a_task_whose_result_no_message_can_carry) {
  offer({task(1)});
  AgentReply reply;
  reply.mutable_output()->set_text(std::string(limits::payload_bytes_max, 'x'));
  answer(work()[0], std::move(reply));
  EXPECT_EQ(from_proto(by.only<TaskDone>().failure()).code, ec::too_large);
}

TEST_F(queue, gives_each_task_to_a_slot_of_its_role_on_this_node) {
  offer({task(1), task(2)});
  auto requests = work();
  ASSERT_EQ(requests.size(), 2u);
  for (auto& request : requests) {
    EXPECT_EQ(request.kind, message_kind::request);
    EXPECT_EQ(role_of(request.target.agent), "reader");
    EXPECT_EQ(request.target.node, node_b);
    EXPECT_EQ(request.sender, address::of(service::queue, node_b));
    EXPECT_EQ(request.remaining, 1s);
    EXPECT_EQ(request.trace.trace, (trace_id{0, 7}));
    EXPECT_EQ(request.trace.span, span_id{8});
    EXPECT_TRUE(request.trace.sampled());
  }
  EXPECT_NE(requests[0].target.agent, requests[1].target.agent);
  EXPECT_NE(requests[0].id, requests[1].id);
  EXPECT_EQ(requests[1].body.as<TaskWork>()->task().input().at("x").integer(), 2);
  auto started = by.take_envelopes<TaskStarted>();
  ASSERT_EQ(started.size(), 2u);
  EXPECT_EQ(started[0].target, address::of(service::coordinator, node_a));
  EXPECT_EQ(started[0].body.as<TaskStarted>()->index(), 1u);
  EXPECT_EQ(counted.plain().tasks_running, 2u);
  EXPECT_EQ(counted.plain().queue_length, 0u);
}

TEST_F(queue, tells_the_slot_of_a_durable_task_who_its_owner_is) {
  auto durable = task(2);
  durable.set_durable(true);
  durable.add_steps()->set_number(1);
  offer({task(1), durable});
  auto requests = work();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].body.as<TaskWork>()->owner(), "") << "it has nothing to tell";
  EXPECT_EQ(requests[1].body.as<TaskWork>()->owner(), to_bytes(node_a));
  EXPECT_EQ(requests[1].body.as<TaskWork>()->task().steps(0).number(), 1u);
}

TEST_F(queue, works_in_order_of_age_as_slots_become_free) {
  offer({task(1), task(2), task(3), task(4)});
  auto requests = work();
  EXPECT_EQ(indices(requests), (numbers{1, 2}));
  EXPECT_EQ(counted.plain().queue_length, 2u);
  by.now += 30ms;
  answer_well(requests[1]);
  auto done = by.only<TaskDone>();
  EXPECT_EQ(done.index(), 2u);
  EXPECT_EQ(done.attempt(), 1u);
  EXPECT_EQ(done.run(), to_bytes(run_id{5, 5}));
  EXPECT_EQ(value_of(done.output()).text(), "good");
  EXPECT_FALSE(done.has_failure());
  EXPECT_EQ(done.input_tokens(), 3u);
  EXPECT_EQ(done.output_tokens(), 4u);
  EXPECT_EQ(done.cost_nano_usd(), 5);
  EXPECT_EQ(done.duration_us(), 30'000u);
  auto next = work();
  ASSERT_EQ(indices(next), numbers{3});
  EXPECT_EQ(next[0].target.agent, requests[1].target.agent);
  by.now += 20ms;
  answer_well(next[0]);
  done = by.only<TaskDone>();
  EXPECT_EQ(done.queue_wait_us(), 30'000u);
  EXPECT_EQ(done.duration_us(), 20'000u);
  EXPECT_EQ(counted.plain().tasks_done, 2u);
  EXPECT_EQ(counted.plain().tasks_running, 2u);
}

TEST_F(queue, tells_what_a_task_used_before_it_failed) {
  offer({task(1)});
  auto why = to_proto({ec::agent_failed, "no"});
  why.set_input_tokens(7);
  why.set_output_tokens(8);
  why.set_cost_nano_usd(9);
  answer(work()[0], std::move(why));
  auto done = by.only<TaskDone>();
  EXPECT_TRUE(done.has_failure());
  EXPECT_EQ(done.input_tokens(), 7u);
  EXPECT_EQ(done.output_tokens(), 8u);
  EXPECT_EQ(done.cost_nano_usd(), 9);
}

TEST_F(queue, keeps_the_roles_apart) {
  offer({task(1), task(2), task(3), task(4, "editor")});
  auto requests = work();
  EXPECT_EQ(indices(requests), (numbers{1, 2, 4}));
}

TEST_F(queue, does_not_announce_cheap_tasks) {
  offer({task(1, "noop")});
  EXPECT_EQ(work().size(), 1u);
  EXPECT_TRUE(by.take<TaskStarted>().empty());
}

TEST_F(queue, refuses_what_is_beyond_its_bound) {
  offer({task(1), task(2), task(3), task(4), task(5), task(6), task(7)});
  auto refused = by.take_envelopes<TasksRefused>();
  ASSERT_EQ(refused.size(), 1u);
  auto& said = *refused[0].body.as<TasksRefused>();
  ASSERT_EQ(said.tasks_size(), 2);
  EXPECT_EQ(said.tasks(0).index(), 6u);
  EXPECT_EQ(said.tasks(1).index(), 7u);
  EXPECT_EQ(said.failure().code(), static_cast<std::uint32_t>(ec::overloaded));
  EXPECT_EQ(refused[0].target, address::of(service::coordinator, node_a));
  EXPECT_EQ(counted.plain().queue_length, 3u);
  auto requests = work();
  answer_well(requests[0]);
  offer({task(6)});
  EXPECT_TRUE(by.take<TasksRefused>().empty()) << "there is room again";
}

TEST_F(queue, says_that_it_has_no_such_role) {
  offer({task(1, "stranger"), task(2, "librarian")});
  auto done = by.take<TaskDone>();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0].failure().code(), static_cast<std::uint32_t>(ec::unknown_role));
  EXPECT_EQ(done[1].index(), 2u);
  EXPECT_TRUE(work().empty());
}

TEST_F(queue, ignores_a_repeated_offer_of_what_is_here) {
  offer({task(1), task(2), task(3)});
  auto requests = work();
  offer({task(1), task(3), task(1, "reader", 2)});
  EXPECT_EQ(counted.plain().queue_length, 2u) << "3, and the second attempt of 1";
  answer_well(requests[0]);
  answer_well(requests[1]);
  auto next = work();
  EXPECT_EQ(indices(next), (numbers{3, 1}));
}

TEST_F(queue, forgets_a_task_when_it_is_done) {
  offer({task(1)});
  answer_well(work()[0]);
  offer({task(1)});
  EXPECT_EQ(work().size(), 1u) << "its owner knows what counts";
}

TEST_F(queue, watches_the_task_that_has_the_least_time) {
  auto longer = task(1), shorter = task(2);
  shorter.set_time_ms(100);
  offer({longer, shorter});
  ASSERT_EQ(deadlines().size(), 2u);
  EXPECT_EQ(deadlines()[1], 100ms);
  by.clear();
  by.now += 100ms;
  by.fire(timer_slots);
  EXPECT_EQ(by.only<TaskDone>().index(), 2u);
  ASSERT_EQ(deadlines().size(), 2u);
  EXPECT_EQ(deadlines()[0], 900ms);
  EXPECT_EQ(deadlines()[1], limits::cancel_patience) << "its agent has been told";
}

TEST_F(queue, uses_the_slot_of_a_failed_agent_again) {
  offer({task(1), task(2), task(3)});
  auto requests = work();
  answer(requests[0], to_proto(failure{ec::agent_failed, "it fell"}));
  auto done = by.only<TaskDone>();
  EXPECT_EQ(done.failure().code(), static_cast<std::uint32_t>(ec::agent_failed));
  EXPECT_EQ(done.failure().message(), "it fell");
  EXPECT_EQ(counted.plain().tasks_failed, 1u);
  auto next = work();
  ASSERT_EQ(indices(next), numbers{3});
  EXPECT_EQ(next[0].target.agent, requests[0].target.agent);
}

TEST_F(queue, takes_the_text_of_an_answer_without_output_and_no_other_message) {
  offer({task(1), task(2)});
  auto requests = work();
  AgentReply spoken;
  spoken.set_text("hello");
  spoken.add_notes("it was cut");
  answer(requests[0], spoken);
  auto done = by.only<TaskDone>();
  EXPECT_EQ(value_of(done.output()).text(), "hello");
  ASSERT_EQ(done.notes_size(), 1);
  EXPECT_EQ(done.notes(0), "it was cut");
  answer(requests[1], BlobStored{});
  EXPECT_EQ(by.only<TaskDone>().failure().code(), static_cast<std::uint32_t>(ec::bad_message));
}

TEST_F(queue, reports_a_task_that_takes_too_long_and_keeps_its_slot_until_it_answers) {
  offer({task(1), task(2), task(3)});
  auto requests = work();
  EXPECT_TRUE(by.armed(timer_slots));
  by.now += 999ms;
  by.fire(timer_slots);
  EXPECT_TRUE(by.take<TaskDone>().empty());
  by.now += 1ms;
  by.fire(timer_slots);
  auto done = by.take<TaskDone>();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0].failure().code(), static_cast<std::uint32_t>(ec::timed_out));
  EXPECT_TRUE(work().empty()) << "both agents are still at it";
  EXPECT_EQ(counted.plain().tasks_running, 0u);
  answer_well(requests[0]);
  EXPECT_TRUE(by.take<TaskDone>().empty()) << "it was reported before";
  auto next = work();
  EXPECT_EQ(indices(next), numbers{3});
}

TEST_F(queue, takes_the_time_of_the_role_where_the_task_has_none) {
  auto timeless = task(1);
  timeless.set_time_ms(0);
  offer({timeless});
  EXPECT_EQ(work()[0].remaining, 60s);
}

TEST_F(queue, refuses_requests_that_are_none_of_its_own) {
  by.ask(StatusQuery{}, address::of(service::desk, node_a));
  EXPECT_EQ(from_proto(by.only<Failure>()).code, ec::bad_message);
}

TEST_F(queue, tells_of_each_transition_at_debug) {
  by.out.debugs = true;
  offer({task(0), task(1), task(2)});
  auto at_work = work();
  ASSERT_EQ(at_work.size(), 2u);
  answer_well(at_work[0]);
  call_off({{2, 1}});
  std::string lines;
  for (const auto& line : by.out.logs)
    lines += line.text + "\n";
  std::size_t at = 0;
  for (auto part : {"task 0 (attempt 1) of run", "is begun", "task 2 (attempt 1)",
                    "waits for a slot", "task 0 (attempt 1)", "is done", "given its slot back",
                    "task 2 (attempt 1)", "is begun", "task 2 (attempt 1)", "is given up"}) {
    auto found = lines.find(part, at);
    ASSERT_NE(found, std::string::npos) << part << " in\n" << lines;
    at = found + 1;
  }
}

} // namespace
} // namespace troupe::tests
