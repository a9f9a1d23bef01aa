#include "actors/coordination/queue_logic.hpp"
#include "config/limits/links.hpp"
#include "config/limits/supervision.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/coordination/hand.hpp"

namespace troupe::testing {
namespace {

constexpr std::uint32_t timer_deadline = 1;

class queue : public ::testing::Test {
protected:
  role_table roles = some_roles();
  metrics counted;
  std::shared_ptr<busy_slots> busy = [] {
    auto made = std::make_shared<busy_slots>();
    (*made)["reader"] = 7; // left behind by one that failed
    return made;
  }();
  queue_logic logic{{2, 3, busy}, roles, counted};
  hand by{logic, service::queue, node_b};

  static Task task(std::uint32_t index, const std::string& role = "reader",
                   std::uint32_t attempt = 1, run_id run = {5, 5}) {
    Task made;
    made.set_run(to_bytes(run));
    made.set_index(index);
    made.set_attempt(attempt);
    made.set_id("t" + std::to_string(index));
    made.set_role(role);
    made.set_time_ms(1'000);
    made.set_trace_lo(7);
    made.set_span(8);
    made.set_trace_flags(1);
    (*made.mutable_input())["x"].set_integer(index);
    return made;
  }
  void offer(std::vector<Task> tasks) {
    TaskOffer made;
    made.set_owner(to_bytes(node_a));
    for (auto& one : tasks)
      *made.add_tasks() = std::move(one);
    by.tell(std::move(made));
  }
  std::vector<envelope> work() { return by.take_envelopes<TaskWork>(); }
  template <class Message>
  void answer(const envelope& request, Message message) {
    by.give(reply_to(request, std::move(message)));
  }
  void answer_well(const envelope& request) {
    AgentReply reply;
    reply.mutable_output()->set_text("good");
    reply.set_input_tokens(3);
    reply.set_output_tokens(4);
    answer(request, std::move(reply));
  }
  static std::vector<std::uint32_t> indices(std::vector<envelope>& all) {
    std::vector<std::uint32_t> found;
    for (auto& sent : all)
      found.push_back(sent.body.as<TaskWork>()->task().index());
    return found;
  }
  using numbers = std::vector<std::uint32_t>;
};

TEST_F(queue, says_how_many_slots_of_a_role_are_at_work) {
  EXPECT_EQ(busy->at("reader"), 0u);
  offer({task(1), task(2), task(3)});
  EXPECT_EQ(busy->at("reader"), 2u);
  auto requests = work();
  answer_well(requests[0]); // the third takes its slot
  EXPECT_EQ(busy->at("reader"), 2u);
  answer_well(requests[1]);
  EXPECT_EQ(busy->at("reader"), 1u);
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
  EXPECT_EQ(done.output().text(), "good");
  EXPECT_FALSE(done.has_failure());
  EXPECT_EQ(done.input_tokens(), 3u);
  EXPECT_EQ(done.output_tokens(), 4u);
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
  ASSERT_EQ(by.out.timers.size(), 2u);
  EXPECT_EQ(by.out.timers[1].after, 100ms);
  by.clear();
  by.now += 100ms;
  by.fire(timer_deadline);
  EXPECT_EQ(by.only<TaskDone>().index(), 2u);
  ASSERT_EQ(by.out.timers.size(), 1u);
  EXPECT_EQ(by.out.timers[0].after, 900ms);
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
  answer(requests[0], spoken);
  EXPECT_EQ(by.only<TaskDone>().output().text(), "hello");
  answer(requests[1], BlobStored{});
  EXPECT_EQ(by.only<TaskDone>().failure().code(), static_cast<std::uint32_t>(ec::bad_message));
}

TEST_F(queue, reports_a_task_that_takes_too_long_and_keeps_its_slot_until_it_answers) {
  offer({task(1), task(2), task(3)});
  auto requests = work();
  EXPECT_TRUE(by.armed(timer_deadline));
  by.now += 999ms;
  by.fire(timer_deadline);
  EXPECT_TRUE(by.take<TaskDone>().empty());
  by.now += 1ms;
  by.fire(timer_deadline);
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

TEST_F(queue, gives_up_a_slot_whose_agent_never_answers) {
  offer({task(1), task(2), task(3)});
  auto requests = work();
  by.now += 1s;
  by.fire(timer_deadline);
  by.clear();
  by.now += limits::stop_timeout;
  by.fire(timer_deadline);
  auto next = work();
  EXPECT_EQ(indices(next), numbers{3});
  EXPECT_TRUE(by.armed(timer_deadline));
  answer_well(requests[0]);
  answer_well(requests[1]);
  EXPECT_TRUE(by.take<TaskDone>().empty());
}

TEST_F(queue, takes_the_time_of_the_role_where_the_task_has_none) {
  auto timeless = task(1);
  timeless.set_time_ms(0);
  offer({timeless});
  EXPECT_EQ(work()[0].remaining, 60s);
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
  EXPECT_TRUE(by.take<TaskDone>().empty());
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
  EXPECT_EQ(counted.plain().queue_length, 0u);
  EXPECT_EQ(counted.plain().tasks_running, 0u);
}

TEST_F(queue, refuses_requests_that_are_none_of_its_own) {
  by.ask(StatusQuery{}, address::of(service::desk, node_a));
  EXPECT_EQ(from_proto(by.only<Failure>()).code, ec::bad_message);
}

} // namespace
} // namespace troupe::testing
