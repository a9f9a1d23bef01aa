#include "telemetry/otlp.hpp"

#include "telemetry/span.hpp"
#include "tests/support/otlp_decode.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using tests::decode_export_request;
using tests::decoded_value;

constexpr std::string_view protobuf = "application/x-protobuf";

const otlp_resource resource{
    {0x0123456789abcdef, 0xfedcba9876543210}, "node-1", "default", "host-a", {}};

shared_span example() {
  trace_context parent{{0x0af7651916cd43dd, 0x8448eb211c80319c}, {0xb7ad6b7169203331}, 1};
  auto span = begin_span("chat offline", span_kind::client, parent, {0x00f067aa0ba902b7},
                         instant{std::chrono::nanoseconds{1'700'000'000'000'000'001}});
  span.set_end_ns(1'700'000'000'000'000'123);
  set(span, "gen_ai.request.model", "offline");
  set(span, "gen_ai.usage.input_tokens", std::int64_t{-3});
  set(span, "troupe.score", 0.25);
  set(span, "troupe.cached", false);
  set_list(span, "gen_ai.response.finish_reasons", "stop");
  auto& happened = *span.add_events();
  happened.set_at_ns(1'700'000'000'000'000'050);
  happened.set_name("retry");
  auto& detail = *happened.add_attributes();
  detail.set_key("attempt");
  detail.set_integer(2);
  set_failed(span, {ec::timed_out, "no time was left"});
  return pack(span);
}

TEST(otlp, writes_every_field_under_its_number) {
  std::vector<shared_span> batch{example()};
  auto decoded = decode_export_request(encode_otlp(resource, batch));
  EXPECT_TRUE(decoded.problems.empty()) << decoded.problems[0];
  ASSERT_EQ(decoded.spans.size(), 1u);
  const auto& span = decoded.spans[0];
  EXPECT_EQ(span.trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(span.span_id, "00f067aa0ba902b7");
  EXPECT_EQ(span.parent_span_id, "b7ad6b7169203331");
  EXPECT_EQ(span.name, "chat offline");
  EXPECT_EQ(span.kind, 3u);
  EXPECT_EQ(span.start_time_unix_nano, 1'700'000'000'000'000'001u);
  EXPECT_EQ(span.end_time_unix_nano, 1'700'000'000'000'000'123u);
  EXPECT_EQ(span.attributes.at("gen_ai.request.model"), decoded_value{"offline"});
  EXPECT_EQ(span.attributes.at("gen_ai.usage.input_tokens"), decoded_value{std::int64_t{-3}});
  EXPECT_EQ(span.attributes.at("troupe.score"), decoded_value{0.25});
  EXPECT_EQ(span.attributes.at("troupe.cached"), decoded_value{false});
  EXPECT_EQ(span.attributes.at("error.type"), decoded_value{"timed_out"});
  EXPECT_EQ(span.attributes.at("gen_ai.response.finish_reasons"),
            decoded_value{std::vector<std::string>{"stop"}});
  EXPECT_EQ(span.attributes.size(), 6u);
  EXPECT_EQ(span.status_code, 2u);
  EXPECT_EQ(span.status_message, "no time was left");
  EXPECT_EQ(span.flags, 0x101u) << "sampled, and known to have its parent in this process";
  EXPECT_EQ(span.schema_url, "https://opentelemetry.io/schemas/1.41.0");
  ASSERT_EQ(span.events.size(), 1u);
  EXPECT_EQ(span.events[0].time_unix_nano, 1'700'000'000'000'000'050u);
  EXPECT_EQ(span.events[0].name, "retry");
  EXPECT_EQ(span.events[0].attributes.at("attempt"), decoded_value{std::int64_t{2}});
}

TEST(otlp, says_which_node_made_the_spans) {
  std::vector<shared_span> batch{example(), example()};
  auto decoded = decode_export_request(encode_otlp(resource, batch));
  ASSERT_EQ(decoded.spans.size(), 2u);
  for (const auto& span : decoded.spans) {
    EXPECT_EQ(span.resource.at("service.name"), decoded_value{"troupe"});
    EXPECT_EQ(span.resource.at("service.instance.id"),
              decoded_value{"0123456789abcdeffedcba9876543210"});
    EXPECT_EQ(span.resource.at("service.namespace"), decoded_value{"default"});
    EXPECT_EQ(span.resource.at("host.name"), decoded_value{"host-a"});
    EXPECT_EQ(span.resource.at("troupe.node.name"), decoded_value{"node-1"});
    EXPECT_EQ(span.scope_name, "troupe");
  }
}

TEST(otlp, says_which_process_on_which_host_and_by_what_conventions) {
  auto all = resource;
  all.service = "troupe/node-1";
  all.incarnation = 3;
  all.pid = 4711;
  all.addresses = {"10.0.0.7", "fe80::1"};
  all.others = {{"deployment.environment.name", "test"}, {"host.name", "another"}};
  std::vector<shared_span> batch{example()};
  auto decoded = decode_export_request(encode_otlp(all, batch));
  EXPECT_TRUE(decoded.problems.empty());
  auto& said = decoded.spans.at(0).resource;
  EXPECT_EQ(said.at("service.name"), decoded_value{"troupe/node-1"});
  EXPECT_EQ(said.at("troupe.node.incarnation"), decoded_value{std::int64_t{3}});
  EXPECT_EQ(said.at("process.pid"), decoded_value{std::int64_t{4711}});
  EXPECT_EQ(said.at("host.ip"), (decoded_value{std::vector<std::string>{"10.0.0.7", "fe80::1"}}));
  EXPECT_EQ(said.at("ip"), decoded_value{"10.0.0.7"});
  EXPECT_EQ(said.at("telemetry.sdk.name"), decoded_value{"troupe"});
  EXPECT_EQ(said.at("telemetry.sdk.language"), decoded_value{"cpp"});
  EXPECT_EQ(said.at("telemetry.sdk.version"), said.at("service.version"));
  EXPECT_EQ(said.at("deployment.environment.name"), decoded_value{"test"});
  EXPECT_EQ(said.at("host.name"), decoded_value{"another"}) << "the user's word counts";
}

TEST(otlp, puts_the_spans_of_a_client_under_a_service_of_their_own) {
  SpanData of_client;
  of_client.ParseFromString(example()->bytes);
  of_client.set_service("troupe-cli");
  of_client.set_pid(99);
  auto named = resource;
  named.others = {{"service.name", "mine"}};
  std::vector<shared_span> batch{example(), pack(of_client), example()};
  auto decoded = decode_export_request(encode_otlp(named, batch));
  EXPECT_TRUE(decoded.problems.empty());
  ASSERT_EQ(decoded.spans.size(), 3u);
  EXPECT_EQ(decoded.spans[1].resource.at("service.name"), decoded_value{"mine"});
  auto& client = decoded.spans[2].resource;
  EXPECT_EQ(client.at("service.name"), decoded_value{"troupe-cli"});
  EXPECT_EQ(client.at("process.pid"), decoded_value{std::int64_t{99}});
  EXPECT_EQ(client.at("service.namespace"), decoded_value{"default"});
  EXPECT_EQ(client.count("service.instance.id"), 0u) << "it is no node";
  EXPECT_EQ(client.count("troupe.node.name"), 0u);
}

TEST(otlp, says_whether_the_parent_is_in_another_process_and_writes_links) {
  auto remote = static_cast<std::uint8_t>(trace_context::flag_sampled | trace_context::flag_remote);
  auto span = begin_span(span_names::task, "read", {{1, 2}, {9}, remote}, {3}, {});
  add_link(span, {7}, "previous_attempt");
  for (int i = 0; i < 130; ++i)
    add(span, event_at(happening::retry, {}));
  std::vector<shared_span> batch{pack(span)};
  auto decoded = decode_export_request(encode_otlp(resource, batch));
  EXPECT_TRUE(decoded.problems.empty());
  const auto& got = decoded.spans.at(0);
  EXPECT_EQ(got.name, "task read");
  EXPECT_EQ(got.flags, 0x301u);
  ASSERT_EQ(got.links.size(), 1u);
  EXPECT_EQ(got.links[0].trace_id, got.trace_id);
  EXPECT_EQ(got.links[0].span_id, "0000000000000007");
  EXPECT_EQ(got.links[0].attributes.at("troupe.link"), decoded_value{"previous_attempt"});
  EXPECT_EQ(got.events.size(), 128u);
  EXPECT_EQ(got.dropped_events, 2u);
}

TEST(otlp, leaves_out_what_a_good_root_span_does_not_have) {
  auto span = begin_span("invoke_workflow digest", span_kind::internal, {{1, 2}, {}, 1}, {3}, {});
  std::vector<shared_span> batch{pack(span)};
  auto decoded = decode_export_request(encode_otlp(resource, batch));
  EXPECT_TRUE(decoded.problems.empty());
  ASSERT_EQ(decoded.spans.size(), 1u);
  EXPECT_EQ(decoded.spans[0].parent_span_id, "");
  EXPECT_EQ(decoded.spans[0].status_code, 0u);
  EXPECT_EQ(decoded.spans[0].kind, 1u);
}

TEST(otlp, sends_no_text_that_is_not_utf8) {
  auto span = begin_span("task \xff", span_kind::internal, {{1, 2}, {}, 1}, {3}, {});
  set(span, "troupe.task.label", "read \xc3");
  set_failed(span, {ec::agent_failed, "\xfe"});
  std::vector<shared_span> batch{pack(span)};
  auto decoded = decode_export_request(encode_otlp(resource, batch));
  ASSERT_EQ(decoded.spans.size(), 1u);
  EXPECT_EQ(decoded.spans[0].name, "task \uFFFD");
  EXPECT_EQ(decoded.spans[0].attributes.at("troupe.task.label"), decoded_value{"read \uFFFD"});
  EXPECT_EQ(decoded.spans[0].status_message, "\uFFFD");
}

TEST(otlp, reads_what_a_collector_rejected) {
  EXPECT_EQ(decode_otlp_answer(protobuf, "")->rejected, 0u);
  // partial_success{rejected_spans=5, error_message="no"}
  auto partial = decode_otlp_answer(protobuf, "\x0a\x06\x08\x05\x12\x02no");
  ASSERT_TRUE(partial);
  EXPECT_EQ(partial->rejected, 5u);
  EXPECT_EQ(partial->message, "no");
  EXPECT_FALSE(decode_otlp_answer(protobuf, "<html>"));
  // A negative count rejects nothing.
  std::string_view negative{"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13};
  EXPECT_EQ(decode_otlp_answer(protobuf, negative)->rejected, 0u);
}

TEST(otlp_decode, finds_a_field_that_otlp_does_not_have) {
  // Field 2 of ScopeSpans (spans) written with number 4.
  auto wrong = decode_export_request(std::string_view{"\x0a\x04\x12\x02\x22\x00", 6});
  ASSERT_EQ(wrong.problems.size(), 1u);
  EXPECT_EQ(wrong.problems[0], "ScopeSpans: field 4, wire type 2 is unknown");
  EXPECT_FALSE(decode_export_request("\x0a\x7f").problems.empty());
}

TEST(otlp, reads_answers_in_json) {
  constexpr std::string_view json = "Application/JSON; charset=utf-8";
  EXPECT_EQ(decode_otlp_answer(json, "{}")->rejected, 0u);
  EXPECT_EQ(decode_otlp_answer(json, R"({"partialSuccess":{"rejectedSpans":7}})")->rejected, 7u);
  auto partial =
      decode_otlp_answer(json, R"({"partialSuccess":{"rejectedSpans":"5","errorMessage":"no"}})");
  EXPECT_EQ(partial->rejected, 5u);
  EXPECT_EQ(partial->message, "no");
  EXPECT_EQ(decode_otlp_answer(json, R"({"partialSuccess":{"rejectedSpans":-5}})")->rejected, 0u);
  EXPECT_FALSE(decode_otlp_answer(json, "[]"));
  EXPECT_FALSE(decode_otlp_answer(json, "{"));
}

TEST(otlp, takes_no_other_thing_for_an_answer) {
  EXPECT_TRUE(decode_otlp_answer("text/html", "")) << "nothing said is nothing wrong";
  EXPECT_FALSE(decode_otlp_answer("text/html", "<html>"));
  EXPECT_FALSE(decode_otlp_answer("text/plain", "{}"));
}

} // namespace
} // namespace troupe
