#include "telemetry/trace_words.hpp"
#include "tests/unit/coordination/queue_fixture.hpp"

#include <gmock/gmock.h>

/// The spans of attempts, which the node that does them writes.
namespace troupe::tests {
namespace {

std::string text_of(const SpanData& span, std::string_view key) {
  for (const auto& one : span.attributes())
    if (one.key() == key)
      return one.has_text() ? one.text() : std::to_string(one.integer());
  return "";
}

std::vector<std::string> events_of(const SpanData& span) {
  std::vector<std::string> names;
  for (const auto& one : span.events())
    names.push_back(one.name());
  return names;
}

TEST_F(queue, records_an_attempt_from_when_it_was_ready_to_its_result) {
  auto one = task(0);
  one.set_id("read[7]");
  one.set_label("read GPL-3");
  one.set_previous_span(4);
  by.now = instant{1ms};
  offer({one});
  auto begun = work();
  ASSERT_EQ(begun.size(), 1u);
  EXPECT_EQ(begun[0].trace.span, span_id{8}) << "the agent's parent";
  EXPECT_FALSE(begun[0].trace.remote()) << "which is made here";
  EXPECT_TRUE(by.out.spans.empty());
  by.now += 1ms;
  answer_well(begun[0]);
  ASSERT_EQ(by.out.spans.size(), 1u);
  const auto& span = by.out.spans[0];
  EXPECT_EQ(span.name(), "task read");
  EXPECT_EQ(span.span(), 8u);
  EXPECT_EQ(span.parent(), 6u);
  EXPECT_TRUE(span.parent_is_remote()) << "the owner is another node";
  EXPECT_EQ(span.start_ns(), 1);
  EXPECT_EQ(span.end_ns(), 2'000'000);
  EXPECT_FALSE(span.failed());
  EXPECT_EQ(text_of(span, "troupe.task.index"), "7");
  EXPECT_EQ(text_of(span, "troupe.task.label"), "read GPL-3");
  EXPECT_EQ(text_of(span, "troupe.task.outcome"), "done");
  EXPECT_EQ(text_of(span, "troupe.task.node"), "node-b");
  EXPECT_THAT(events_of(span), ::testing::ElementsAre("ready", "offered", "started"));
  ASSERT_EQ(span.links_size(), 1);
  EXPECT_EQ(span.links(0).span(), 4u);
  for (const auto& each : span.attributes())
    EXPECT_TRUE(may_have(*row_of(span.name()), each.key())) << each.key();
  for (const auto& each : span.events())
    EXPECT_TRUE(may_have_event(*row_of(span.name()), each.name())) << each.name();
}

TEST_F(queue, records_an_attempt_that_failed_with_its_error) {
  offer({task(0)});
  by.give(reply_failure(work().at(0), {ec::invalid_argument, "no question"}));
  ASSERT_EQ(by.out.spans.size(), 1u);
  EXPECT_TRUE(by.out.spans[0].failed());
  EXPECT_EQ(text_of(by.out.spans[0], "error.type"), "invalid_argument");
  EXPECT_EQ(text_of(by.out.spans[0], "troupe.task.outcome"), "failed");
}

TEST_F(queue, marks_the_attempts_of_a_cancelled_run_and_tells_its_owner_when_they_are_over) {
  offer({task(0), task(1), task(2)});
  auto begun = work();
  ASSERT_EQ(begun.size(), 2u);
  call_off({});
  ASSERT_EQ(by.out.spans.size(), 1u) << "the one that waited; two agents have not answered yet";
  EXPECT_EQ(text_of(by.out.spans[0], "troupe.task.outcome"), "cancelled");
  EXPECT_THAT(events_of(by.out.spans[0]), ::testing::ElementsAre("ready", "offered"));
  EXPECT_TRUE(by.take<TaskDone>().empty());
  by.give(reply_failure(begun[0], {ec::cancelled, "given up"}));
  ASSERT_EQ(by.out.spans.size(), 2u);
  EXPECT_FALSE(by.out.spans[1].failed()) << "a wish is no error";
  EXPECT_EQ(text_of(by.out.spans[1], "troupe.task.outcome"), "cancelled");
  auto told = by.take<TaskDone>();
  ASSERT_EQ(told.size(), 1u) << "the owner ends the run after its agents";
  EXPECT_EQ(told[0].failure().code(), static_cast<std::uint32_t>(ec::cancelled));
}

TEST_F(queue, marks_the_attempts_of_an_owner_that_is_lost) {
  members(MEMBER_UP);
  offer({task(0)});
  auto begun = work();
  members(MEMBER_DOWN);
  by.give(reply_failure(begun.at(0), {ec::cancelled, "given up"}));
  ASSERT_EQ(by.out.spans.size(), 1u);
  const auto& span = by.out.spans[0];
  EXPECT_TRUE(span.failed());
  EXPECT_EQ(text_of(span, "error.type"), "unavailable");
  EXPECT_EQ(text_of(span, "troupe.task.outcome"), "lost");
  EXPECT_THAT(span.status_message(), ::testing::HasSubstr("node-a"));
  EXPECT_TRUE(by.take<TaskDone>().empty()) << "nobody is there to hear it";
}

TEST_F(queue, records_nothing_of_a_trace_that_is_not_sampled) {
  auto one = task(0);
  one.set_trace_flags(0);
  offer({one});
  answer_well(work().at(0));
  EXPECT_TRUE(by.out.spans.empty());
}

} // namespace
} // namespace troupe::tests
