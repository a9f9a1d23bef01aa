#include "config/limits/runs.hpp"
#include "telemetry/trace_words.hpp"
#include "tests/unit/agents/durable_task.hpp"

#include <gmock/gmock.h>

/// What the trace of a durable task tells of its waits for the owner of the run.
namespace troupe {
namespace {

using namespace troupe::tests;
using ::testing::ElementsAre;

struct agent_steps_waits : durable_task {
  std::vector<envelope> begin_sampled() {
    new_slot();
    auto request = request_for(work());
    request.trace = {{1, 2}, {3}, trace_context::flag_sampled};
    return give(std::move(request));
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& one : spans())
      found.push_back(one.name());
    return found;
  }
  /// Of the last step: all leave with the agent's own.
  const std::vector<SpanData>& spans() const { return scene.out.spans; }
  static SpanAttribute attribute(const SpanData& span, std::string_view key) {
    for (const auto& one : span.attributes())
      if (one.key() == key)
        return one;
    return {};
  }
  static std::chrono::nanoseconds length(const SpanData& span) {
    return std::chrono::nanoseconds{span.end_ns() - span.start_ns()};
  }
};

TEST_F(agent_steps_waits, each_lasts_until_the_owner_has_recorded_it) {
  auto sent = begin_sampled();
  scene.now += 2ms;
  sent = keep(sent.at(0));
  scene.now += 5ms;
  sent = give(reply_to(sent.at(0), answer("geese")));
  scene.now += 3ms;
  keep(sent.at(0));
  // The last wait ends in this step, the others leave with the agent's span.
  ASSERT_THAT(names(),
              ElementsAre("record step", "record step", "chat gpt-5", "invoke_agent planner"));
  const auto& agent = spans()[3];
  const auto& begin = spans()[1];
  const auto& end = spans()[0];
  EXPECT_EQ(length(begin), 2ms);
  EXPECT_EQ(length(spans()[2]), 5ms);
  EXPECT_EQ(length(end), 3ms);
  for (const auto& wait : {begin, end}) {
    EXPECT_EQ(wait.parent(), agent.span());
    EXPECT_EQ(attribute(wait, "troupe.step").integer(), 1);
    for (const auto& one : wait.attributes())
      EXPECT_TRUE(may_have(*row_of("record step"), one.key())) << one.key();
  }
  EXPECT_EQ(attribute(begin, "troupe.step.fact").text(), "begin");
  EXPECT_EQ(attribute(end, "troupe.step.fact").text(), "outcome");
  EXPECT_EQ(attribute(agent, "troupe.agent.work_ms").number(), 0) << "it waited all the time";
}

TEST_F(agent_steps_waits, an_agent_waits_as_long_as_one_of_several_is_not_recorded) {
  plan = "ab";
  auto sent = begin_sampled();
  ASSERT_EQ(sent.size(), 2u);
  auto call = keep(sent[0]);
  auto ended = give(reply_to(call.at(0), answer("geese")));
  auto heard = keep(ended.at(0)); // of the other one it is not known that it begins
  scene.now += 4ms;
  call = keep(sent[1]);
  ended = give(reply_to(call.at(0), answer("swans")));
  keep(ended.at(0));
  EXPECT_EQ(attribute(spans().back(), "troupe.agent.work_ms").number(), 0);
}

TEST_F(agent_steps_waits, one_that_is_in_vain_says_why) {
  auto sent = begin_sampled();
  give(reply_failure(sent.at(0), {ec::storage_failed, "the disk is full"}));
  ASSERT_THAT(names(), ElementsAre("record step", "invoke_agent planner"));
  EXPECT_EQ(attribute(spans()[0], "error.type").text(), "storage_failed");
}

TEST_F(agent_steps_waits, one_that_is_never_answered_ends_with_its_message) {
  begin_sampled();
  scene.now += kind.time_max;
  give(timer_fired{1});
  ASSERT_THAT(names(), ElementsAre("record step", "invoke_agent planner"));
  EXPECT_EQ(length(spans()[0]), kind.time_max);
  EXPECT_EQ(attribute(spans()[0], "error.type").text(), "timed_out");
}

} // namespace
} // namespace troupe
