#include "config/limits/messages.hpp"
#include "messages/envelope.hpp"
#include "messages/runs.pb.h"
#include "messages/value_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe {
namespace {

using testing::HasSubstr;

Value text_of(std::string text) {
  Value made;
  made.set_text(std::move(text));
  return made;
}

/// `levels` maps around a text, each in a field `a`.
Value maps(int levels) {
  auto made = text_of("core");
  for (int i = 0; i < levels; ++i) {
    Value around;
    (*around.mutable_map()->mutable_fields())["a"] = std::move(made);
    made = std::move(around);
  }
  return made;
}

Value lists(int levels) {
  auto made = text_of("core");
  for (int i = 0; i < levels; ++i) {
    Value around;
    *around.mutable_list()->add_items() = std::move(made);
    made = std::move(around);
  }
  return made;
}

std::string error_in(const result<void>& checked) {
  return checked ? ""
                 : std::string{to_string(checked.error().code)} + ": " + checked.error().message;
}

TEST(value_check, takes_what_is_as_deep_as_may_be_and_no_deeper) {
  EXPECT_TRUE(check_value(maps(limits::value_depth_max), "it"));
  EXPECT_TRUE(check_value(lists(limits::value_depth_max), "it"));
  EXPECT_THAT(error_in(check_value(maps(limits::value_depth_max + 1), "task t39, its output")),
              testing::AllOf(HasSubstr("invalid_argument: task t39, its output, field \"a.a.a"),
                             HasSubstr("at most 32 lists and maps within each other")));
  EXPECT_THAT(error_in(check_value(lists(limits::value_depth_max + 1), "it")),
              HasSubstr("field \"[0][0]"));
}

TEST(value_check, knows_what_cannot_be_put_into_another_one) {
  EXPECT_TRUE(is_deepest(maps(limits::value_depth_max)));
  EXPECT_FALSE(is_deepest(maps(limits::value_depth_max - 1)));
  EXPECT_TRUE(is_deepest(lists(limits::value_depth_max)));
  EXPECT_FALSE(is_deepest(lists(limits::value_depth_max - 1)));
  EXPECT_FALSE(is_deepest(text_of("x")));
}

TEST(value_check, names_the_field_that_is_no_utf8) {
  Value inner;
  (*inner.mutable_map()->mutable_fields())["quotes"] = lists(0);
  *(*inner.mutable_map()->mutable_fields())["quotes"].mutable_list()->add_items() =
      text_of("caf\xe9");
  value_map fields;
  fields["report"] = inner;
  EXPECT_EQ(
      error_in(check_fields(fields, "task t1")),
      "invalid_argument: task t1, field \"report.quotes[0]\": expected UTF-8 text, found byte "
      "233 at byte 3");
  value_map named;
  named["caf\xe9"] = text_of("x");
  EXPECT_THAT(error_in(check_fields(named, "task t1")),
              HasSubstr("field \"caf\xef\xbf\xbd\": the name of a field is UTF-8 text"));
  Value blob;
  blob.mutable_blob()->set_name("\xff");
  EXPECT_THAT(error_in(check_value(blob, "it")), HasSubstr("expected UTF-8 text"));
}

/// Sends the deepest value over the wire, in the message that wraps it most.
TEST(value_check, what_passes_can_be_read_by_whom_it_is_sent_to) {
  RunSubmit submit;
  auto task = submit.mutable_graph()->add_tasks();
  *(*task->mutable_input())["x"].mutable_literal() = maps(limits::value_depth_max);
  *(*task->mutable_input())["y"].mutable_literal() = lists(limits::value_depth_max);
  auto sent = payload::of(submit);
  std::string bytes;
  sent.append_to(bytes);
  auto came = payload::from_wire(payload_kind::RunSubmit, byte_slice::copy_of(bytes));
  ASSERT_NE(came.as<RunSubmit>(), nullptr);
  EXPECT_EQ(came.as<RunSubmit>()->SerializeAsString().size(), bytes.size());
}

TEST(payload, tells_what_it_cannot_read_from_what_is_of_another_kind) {
  auto other = payload::of(RunCancel{});
  EXPECT_EQ(other.as<RunSubmit>(), nullptr);
  EXPECT_FALSE(other.unreadable());
  auto damaged = payload::from_wire(payload_kind::RunSubmit, byte_slice::copy_of("\x0f"));
  EXPECT_FALSE(damaged.unreadable()) << "nobody has looked yet";
  EXPECT_EQ(damaged.as<RunSubmit>(), nullptr);
  EXPECT_TRUE(damaged.unreadable());
}

TEST(payload, too_deep_is_unreadable_and_its_first_fields_can_be_salvaged) {
  TaskOffer offer;
  offer.set_owner("fedcba9876543210");
  auto task = offer.add_tasks();
  task->set_run("0123456789abcdef");
  task->set_index(7);
  task->set_attempt(2);
  (*task->mutable_input())["x"] = maps(3 * limits::value_depth_max);
  std::string bytes = offer.SerializeAsString();
  auto came = payload::from_wire(payload_kind::TaskOffer, byte_slice::copy_of(bytes));
  EXPECT_EQ(came.as<TaskOffer>(), nullptr);
  auto keys = came.salvage<TaskOfferKeys>();
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->tasks_size(), 1);
  EXPECT_EQ(keys->tasks(0).run(), "0123456789abcdef");
  EXPECT_EQ(keys->tasks(0).index(), 7u);
  EXPECT_EQ(keys->tasks(0).attempt(), 2u);
}

TEST(failure, can_be_sent_whatever_it_says) {
  auto wire =
      to_proto({ec::agent_failed, "caf\xe9 " + std::string(2 * limits::failure_bytes_max, 'x')});
  EXPECT_LE(wire.message().size(), limits::failure_bytes_max + 2);
  Failure read;
  EXPECT_TRUE(read.ParseFromString(wire.SerializeAsString()));
  EXPECT_TRUE(read.message().starts_with("caf\xef\xbf\xbd x"));
}

TEST(agent_name, is_utf8) {
  EXPECT_TRUE(parse_agent_name("librarian/caf\xc3\xa9"));
  auto refused = parse_agent_name("librarian/\xff");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::invalid_argument);
  EXPECT_THAT(refused.error().message, HasSubstr("UTF-8"));
}

} // namespace
} // namespace troupe
