#include "config/limits/messages.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/models.pb.h"
#include "messages/reading.pb.h"
#include "tests/unit/agents/traced_agent.hpp"

/// The span of a message: from its arrival, whatever becomes of it.
namespace troupe {
namespace {

using namespace troupe::tests;

using ::testing::ElementsAre;

struct agent_span : traced_agent {};

TEST_F(agent_span, a_message_waits_for_its_turn_within_its_span) {
  auto first = tell(sampled("model"));
  auto arrived = scene.now;
  scene.now += 1ms;
  tell(sampled("hello"));
  scene.now += 5ms;
  tell(reply_to(first[0], ModelAnswer{}));
  auto made = spans();
  ASSERT_THAT(names(made),
              ElementsAre("chat offline", "invoke_agent obedient", "invoke_agent obedient"));
  EXPECT_EQ(attribute(made[1], "troupe.agent.wait_ms").number(), 0);
  EXPECT_EQ(made[2].start_ns(), nanoseconds(arrived + 1ms));
  EXPECT_EQ(attribute(made[2], "troupe.agent.wait_ms").number(), 5);
  ASSERT_EQ(made[2].events_size(), 1);
  EXPECT_EQ(made[2].events(0).name(), "started");
  EXPECT_EQ(made[2].events(0).at_ns(), nanoseconds(scene.now));
}

TEST_F(agent_span, a_message_that_never_had_its_turn_has_a_span_too) {
  auto first = tell("model");
  auto late = sampled("late"), unwanted = sampled("unwanted");
  late.remaining = 1ms;
  auto order = make_cancel(unwanted.id, unwanted.sender, unwanted.target);
  tell(std::move(late));
  tell(std::move(unwanted));
  scene.now += 5ms;
  tell(std::move(order));
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("invoke_agent obedient"));
  EXPECT_EQ(text(made[0], "error.type"), "cancelled");
  EXPECT_EQ(made[0].end_ns() - made[0].start_ns(), 5'000'000);
  EXPECT_EQ(made[0].events_size(), 0) << "it was not begun";
  tell(reply_to(first[0], ModelAnswer{}));
  made = spans();
  ASSERT_THAT(names(made), ElementsAre("invoke_agent obedient"));
  EXPECT_EQ(text(made[0], "error.type"), "timed_out");
}

TEST_F(agent_span, a_message_for_which_there_is_no_room_has_a_span_too) {
  tell("silence");
  for (std::size_t i = 0; i < limits::agent_inbox_max; ++i)
    tell("wait");
  EXPECT_EQ(failure_of(tell(sampled("one more"))), ec::overloaded);
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("invoke_agent obedient"));
  EXPECT_EQ(text(made[0], "error.type"), "overloaded");
}

TEST_F(agent_span, each_attempt_of_a_call_has_its_span) {
  auto asked = tell(sampled("model"));
  for (std::uint64_t number : {98, 99, 98}) { // the first one ends after the second began
    CallSpan call;
    *call.mutable_span() =
        begin_span(span_names::http, {}, asked.at(0).trace, {number}, scene.now + 1ms);
    tell(reply_to(asked[0], call, message_kind::piece));
  }
  scene.now += 5ms;
  tell(reply_to(asked[0], ModelAnswer{}));
  EXPECT_THAT(names(spans()), ElementsAre("POST", "POST", "chat offline", "invoke_agent obedient"));
}

TEST_F(agent_span, a_repetition_of_unknown_outcome_has_a_span_too) {
  auto again = sampled("hello");
  again.attempt = 2;
  again.age_ms = 3'600'000;
  ASSERT_EQ(failure_of(tell(std::move(again))), ec::outcome_unknown);
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("invoke_agent obedient"));
  EXPECT_EQ(text(made[0], "error.type"), "outcome_unknown");
  EXPECT_EQ(attribute(made[0], "troupe.resend_count").integer(), 1);
}

} // namespace
} // namespace troupe
