#include "actors/host/client_door.hpp"

#include "config/limits/telemetry.hpp"
#include "messages/agents.pb.h"
#include "messages/runs.pb.h"
#include "telemetry/trace_words.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using namespace std::chrono_literals;

template <class Message>
envelope request_of(Message message, std::uint64_t sequence = 1) {
  auto made = make_envelope(message_kind::request, address::of_agent(name("librarian/ada")),
                            std::move(message));
  made.id = {{7}, sequence};
  made.sender = address::of_session({7});
  made.trace = {{1, 2}, {3}, trace_context::flag_sampled | trace_context::flag_remote};
  return made;
}

TEST(client_door, spans_a_request_from_its_arrival_to_its_reply) {
  client_door door;
  auto request = request_of(AgentMessage{});
  door.enter(request, {9}, instant{5ns});
  EXPECT_EQ(request.trace.span, span_id{9}) << "what it causes is below the door";
  EXPECT_FALSE(request.trace.remote());
  auto piece = reply_to(request, Piece{}, message_kind::piece);
  EXPECT_FALSE(door.leave(piece, instant{6ns})) << "the reply is still to come";
  auto reply = reply_to(request, AgentReply{});
  auto span = door.leave(reply, instant{8ns});
  ASSERT_TRUE(span);
  EXPECT_EQ(span->name(), "troupe.door AgentMessage");
  EXPECT_EQ(span->kind(), static_cast<std::uint32_t>(span_kind::server));
  EXPECT_EQ(span->parent(), 3u);
  EXPECT_TRUE(span->parent_is_remote());
  EXPECT_EQ(span->start_ns(), 5);
  EXPECT_EQ(span->end_ns(), 8);
  EXPECT_FALSE(span->failed());
  EXPECT_FALSE(door.leave(reply, instant{9ns})) << "once";
}

TEST(client_door, marks_what_was_refused) {
  client_door door;
  auto request = request_of(AgentMessage{});
  door.enter(request, {9}, {});
  auto refusal = reply_failure(request, {ec::unavailable, "its home is down"});
  auto span = door.leave(refusal, {});
  ASSERT_TRUE(span);
  EXPECT_TRUE(span->failed());
  EXPECT_EQ(span->status_message(), "its home is down");
  EXPECT_EQ(failure_in(refusal)->code, ec::unavailable) << "the client still gets it";
}

TEST(client_door, holds_a_run_until_its_end) {
  client_door door;
  auto request = request_of(RunSubmit{});
  door.enter(request, {9}, {});
  auto accepted = reply_to(request, RunAccepted{});
  EXPECT_FALSE(door.leave(accepted, instant{1ns}));
  auto ended = reply_to(request, RunEnded{}, message_kind::event);
  auto span = door.leave(ended, instant{2ns});
  ASSERT_TRUE(span);
  EXPECT_EQ(span->end_ns(), 2);
}

TEST(client_door, gives_a_repetition_to_the_span_that_is_open) {
  client_door door;
  auto first = request_of(AgentMessage{}), again = request_of(AgentMessage{});
  door.enter(first, {9}, {});
  again.attempt = 2;
  door.enter(again, {10}, {});
  EXPECT_EQ(again.trace.span, span_id{9});
  auto reply = reply_to(again, AgentReply{});
  EXPECT_EQ(door.leave(reply, {})->span(), 9u);
  EXPECT_FALSE(door.leave(reply, {}));
}

TEST(client_door, ends_the_spans_of_a_client_that_is_gone) {
  client_door door;
  auto mine = request_of(AgentMessage{}, 1), other = request_of(AgentMessage{}, 1);
  other.id.session = {8};
  door.enter(mine, {9}, {});
  door.enter(other, {10}, {});
  auto left = door.closed({7}, instant{4ns});
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].span(), 9u);
  EXPECT_TRUE(left[0].failed());
  EXPECT_EQ(left[0].end_ns(), 4);
  auto reply = reply_to(other, AgentReply{});
  EXPECT_TRUE(door.leave(reply, {})) << "the other client is there";
}

TEST(client_door, is_bounded_and_leaves_unsampled_requests_alone) {
  client_door door;
  auto quiet = request_of(AgentMessage{});
  quiet.trace.flags = 0;
  door.enter(quiet, {9}, {});
  EXPECT_EQ(quiet.trace.span, span_id{3});
  for (std::uint64_t i = 0; i < limits::door_requests_max; ++i) {
    auto request = request_of(AgentMessage{}, 10 + i);
    door.enter(request, {100 + i}, {});
  }
  auto late = request_of(AgentMessage{}, 5);
  door.enter(late, {9}, {});
  EXPECT_EQ(late.trace.span, span_id{3}) << "it goes on without a span of the door";
}

} // namespace
} // namespace troupe
