#include "telemetry/span.hpp"

#include "config/limits/telemetry.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using namespace std::chrono_literals;

const trace_context parent{{7, 8}, {9}, 1};

TEST(span, begins_below_its_parent) {
  auto span = begin_span("chat offline", span_kind::client, parent, {10},
                         instant{std::chrono::nanoseconds{123}});
  EXPECT_EQ(span.trace_hi(), 7u);
  EXPECT_EQ(span.trace_lo(), 8u);
  EXPECT_EQ(span.span(), 10u);
  EXPECT_EQ(span.parent(), 9u);
  EXPECT_EQ(span.name(), "chat offline");
  EXPECT_EQ(span.kind(), 3u);
  EXPECT_EQ(span.start_ns(), 123);
  EXPECT_FALSE(span.failed());
}

TEST(span, keeps_one_value_of_a_key) {
  auto span = begin_span("task", span_kind::internal, parent, {10}, {});
  set(span, "troupe.task.attempt", std::int64_t{1});
  set(span, "troupe.task.attempt", std::int64_t{2});
  set(span, "text", "a literal is text, not a flag");
  set(span, "number", 0.5);
  set(span, "flag", true);
  ASSERT_EQ(span.attributes_size(), 4);
  EXPECT_EQ(span.attributes(0).integer(), 2);
  EXPECT_EQ(span.attributes(1).text(), "a literal is text, not a flag");
  EXPECT_EQ(span.attributes(2).number(), 0.5);
  EXPECT_TRUE(span.attributes(3).has_flag());
}

TEST(span, that_failed_names_the_error) {
  auto span = begin_span("task", span_kind::internal, parent, {10}, {});
  set_failed(span, {ec::timed_out, "no time was left"});
  EXPECT_TRUE(span.failed());
  EXPECT_EQ(span.status_message(), "no time was left");
  ASSERT_EQ(span.attributes_size(), 1);
  EXPECT_EQ(span.attributes(0).key(), "error.type");
  EXPECT_EQ(span.attributes(0).text(), "timed_out");
}

TEST(span, gives_its_own_id_on_as_the_parent_of_what_happens_inside) {
  auto span = begin_span("task", span_kind::internal, parent, {10}, {});
  auto inside = context_of(span, parent);
  EXPECT_EQ(inside.trace, parent.trace);
  EXPECT_EQ(inside.span, span_id{10});
  EXPECT_TRUE(inside.sampled());
  EXPECT_FALSE(context_of(span, {{7, 8}, {9}, 0}).sampled());
}

TEST(span, ends_after_it_began) {
  auto span = begin_span(span_names::get_blob, {}, parent, {10}, instant{5ns});
  set_end(span, instant{5ns});
  EXPECT_EQ(span.end_ns(), 6);
  set_end(span, instant{3ns});
  EXPECT_EQ(span.end_ns(), 6);
  set_end(span, instant{50ns});
  EXPECT_EQ(span.end_ns(), 50);
}

TEST(span, knows_a_parent_in_another_process_and_its_children_do_not_inherit_that) {
  trace_context from_afar{{7, 8}, {9}, 1 | trace_context::flag_remote};
  auto span = begin_span(span_names::agent, "reader", from_afar, {10}, {});
  EXPECT_TRUE(span.parent_is_remote());
  auto inside = context_of(span, from_afar);
  EXPECT_FALSE(inside.remote());
  EXPECT_TRUE(inside.sampled());
  EXPECT_FALSE(begin_span(span_names::chat, "offline", inside, {11}, {}).parent_is_remote());
  from_afar.span = {};
  EXPECT_FALSE(begin_span(span_names::agent, "reader", from_afar, {10}, {}).parent_is_remote())
      << "a root has no parent";
}

TEST(span, cuts_a_long_text_between_two_characters) {
  auto span = begin_span(span_names::task, "read", parent, {10}, {});
  std::string text(limits::span_text_bytes_max - 1, 'x');
  set(span, attr::task_label, text + "\u00e9");
  EXPECT_EQ(span.attributes(0).text(), text);
}

TEST(span, has_a_line_of_the_log_as_an_event) {
  auto span = begin_span(span_names::workflow, "digest", parent, {10}, {});
  add_log_event(span, "warning", "coordinator", "the run failed", instant{7ns});
  ASSERT_EQ(span.events_size(), 1);
  EXPECT_EQ(span.events(0).name(), "log");
  EXPECT_EQ(span.events(0).at_ns(), 7);
  EXPECT_EQ(span.events(0).attributes(2).key(), "troupe.log.message");
  EXPECT_EQ(span.events(0).attributes(2).text(), "the run failed");
}

} // namespace
} // namespace troupe
