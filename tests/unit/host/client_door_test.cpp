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

/// The span that a message to a client ends, if it is one.
std::optional<SpanData> leave(client_door& door, envelope& message, instant now) {
  auto ended = door.leave(message, now);
  EXPECT_LE(ended.size(), 1u);
  return ended.empty() ? std::nullopt : std::optional{ended.front()};
}

TEST(client_door, spans_a_request_from_its_arrival_to_its_reply) {
  client_door door;
  auto request = request_of(AgentMessage{});
  door.enter(request, {9}, instant{5ns});
  EXPECT_EQ(request.trace.span, span_id{9}) << "what it causes is below the door";
  EXPECT_FALSE(request.trace.remote());
  auto piece = reply_to(request, Piece{}, message_kind::piece);
  EXPECT_FALSE(leave(door, piece, instant{6ns})) << "the reply is still to come";
  auto reply = reply_to(request, AgentReply{});
  auto span = leave(door, reply, instant{8ns});
  ASSERT_TRUE(span);
  EXPECT_EQ(span->name(), "troupe.door AgentMessage");
  EXPECT_EQ(span->kind(), static_cast<std::uint32_t>(span_kind::server));
  EXPECT_EQ(span->parent(), 3u);
  EXPECT_TRUE(span->parent_is_remote());
  EXPECT_EQ(span->start_ns(), 5);
  EXPECT_EQ(span->end_ns(), 8);
  EXPECT_FALSE(span->failed());
  EXPECT_FALSE(leave(door, reply, instant{9ns})) << "once";
}

TEST(client_door, marks_what_was_refused) {
  client_door door;
  auto request = request_of(AgentMessage{});
  door.enter(request, {9}, {});
  auto refusal = reply_failure(request, {ec::unavailable, "its home is down"});
  auto span = leave(door, refusal, {});
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
  EXPECT_FALSE(leave(door, accepted, instant{1ns}));
  auto ended = reply_to(request, RunEnded{}, message_kind::event);
  auto span = leave(door, ended, instant{2ns});
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
  EXPECT_EQ(leave(door, reply, {})->span(), 9u);
  EXPECT_FALSE(leave(door, reply, {}));
}

TEST(client_door, ends_the_spans_of_a_client_that_has_left) {
  client_door door;
  auto mine = request_of(AgentMessage{}, 1), other = request_of(AgentMessage{}, 1);
  other.id.session = {8};
  door.enter(mine, {9}, {});
  door.enter(other, {10}, {});
  auto left = door.closed({7}, true, instant{4ns});
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].span(), 9u);
  EXPECT_TRUE(left[0].failed());
  EXPECT_EQ(left[0].end_ns(), 4);
  auto reply = reply_to(other, AgentReply{});
  EXPECT_TRUE(leave(door, reply, {})) << "the other client is there";
}

std::string text_of(const SpanData& span, std::string_view key) {
  for (const auto& one : span.attributes())
    if (one.key() == key)
      return one.text();
  return "";
}

TEST(client_door, writes_the_spans_of_a_client_that_died_when_its_run_has_ended) {
  client_door door;
  auto puts = request_of(BlobPuts{}, 1), submit = request_of(RunSubmit{}, 2);
  puts.trace.span = {4};
  door.enter(puts, {9}, instant{5ns});
  auto stored = reply_to(puts, BlobsStored{});
  leave(door, stored, instant{6ns});
  door.enter(submit, {10}, instant{7ns});
  EXPECT_TRUE(door.closed({7}, false, instant{8ns}).empty()) << "the run goes on below its door";
  auto ended = reply_to(submit, RunEnded{}, message_kind::event);
  auto spans = door.leave(ended, instant{20ns});
  ASSERT_EQ(spans.size(), 4u);
  const auto &upload = spans[0], &wait = spans[1], &command = spans[2], &last = spans[3];
  EXPECT_EQ(upload.name(), "upload");
  EXPECT_EQ(upload.span(), 4u);
  EXPECT_EQ(upload.end_ns(), 6);
  EXPECT_EQ(wait.name(), "wait");
  EXPECT_EQ(wait.span(), 3u);
  EXPECT_EQ(wait.end_ns(), 20);
  EXPECT_EQ(command.name(), "troupe");
  EXPECT_EQ(command.parent(), 0u);
  EXPECT_TRUE(command.failed());
  EXPECT_EQ(text_of(command, "troupe.cancel.reason"), "client_gone");
  EXPECT_EQ(last.parent(), wait.span());
  EXPECT_EQ(last.end_ns(), 20);
  for (const auto& one : {upload, wait}) {
    EXPECT_EQ(one.parent(), command.span());
    EXPECT_GE(one.start_ns(), command.start_ns());
  }
  for (const auto& one : {upload, wait, command}) {
    EXPECT_EQ(one.service(), "troupe-cli");
    EXPECT_EQ(text_of(one, "troupe.written_for"), "troupe-cli");
    EXPECT_TRUE(may_have(*row_of(one.name()), attr::written_for));
  }
}

TEST(client_door, writes_nothing_for_a_client_that_is_back) {
  client_door door;
  auto submit = request_of(RunSubmit{}), again = request_of(RunSubmit{});
  door.enter(submit, {9}, instant{1ns});
  door.closed({7}, false, instant{2ns});
  door.enter(again, {10}, instant{3ns});
  auto ended = reply_to(again, RunEnded{}, message_kind::event);
  auto span = leave(door, ended, instant{4ns});
  ASSERT_TRUE(span);
  EXPECT_FALSE(span->failed());
}

TEST(client_door, ends_at_last_what_was_answered_elsewhere) {
  client_door door;
  auto request = request_of(AgentMessage{});
  request.remaining = 5s;
  door.enter(request, {9}, {});
  EXPECT_TRUE(door.closed({7}, false, instant{1s}).empty()) << "the agent may still answer";
  EXPECT_TRUE(door.closed({8}, true, instant{5s + limits::door_silence_max}).empty());
  auto late = door.closed({8}, true, instant{5s + limits::door_silence_max + 1ns});
  ASSERT_EQ(late.size(), 1u);
  EXPECT_TRUE(late[0].failed());
}

TEST(client_door, ends_them_also_if_no_client_goes_any_more) {
  client_door door;
  auto request = request_of(AgentMessage{}, 1), other = request_of(AgentMessage{}, 2);
  request.remaining = 5s;
  door.enter(request, {9}, {});
  door.closed({7}, false, instant{1s});
  other.id.session = {8};
  door.enter(other, {10}, instant{6s});
  auto reply = reply_to(other, AgentReply{});
  auto spans = door.leave(reply, instant{5s + limits::door_silence_max + 1ns});
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0].span(), 9u);
  EXPECT_TRUE(spans[0].failed());
  EXPECT_EQ(spans[1].span(), 10u);
  EXPECT_FALSE(spans[1].failed());
}

TEST(client_door, writes_the_spans_of_each_trace_with_its_run) {
  client_door door;
  auto first = request_of(RunSubmit{}, 1), second = request_of(RunSubmit{}, 2);
  second.trace = {{1, 3}, {4}, trace_context::flag_sampled};
  door.enter(first, {9}, instant{1ns});
  door.enter(second, {10}, instant{2ns});
  door.closed({7}, false, instant{3ns});
  for (auto* each : {&first, &second}) {
    auto ended = reply_to(*each, RunEnded{}, message_kind::event);
    auto spans = door.leave(ended, instant{5ns});
    ASSERT_EQ(spans.size(), 3u);
    for (const auto& span : spans)
      EXPECT_EQ(span.trace_lo(), each->trace.trace.lo);
  }
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
