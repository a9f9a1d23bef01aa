#include "tests/unit/telemetry/recording.hpp"

#include <thread>

namespace troupe {
namespace {

using namespace std::chrono_literals;
using tests::otlp_receiver;
using tests::patience;
using tests::recording;
using tests::span_of;
using manner = otlp_receiver::manner;

TEST_F(recording, keeps_the_last_spans_without_an_endpoint) {
  recorder kept{options(""), counted_, log_};
  for (std::uint64_t id = 1; id <= 150; ++id)
    kept.record(span_of(id % 2, id, id == 149 ? 0 : 1));
  EXPECT_EQ(kept.spans_of({0, 1}).size(), 50u);
  EXPECT_EQ(kept.spans_of({0, 1}).front().span(), 51u);
  EXPECT_EQ(kept.spans_of({0, 1}).front().node_name(), "node-1");
  EXPECT_EQ(node_from_bytes(kept.spans_of({0, 1}).front().node()), (node_id{1, 2}));
  EXPECT_EQ(kept.last_trace(), (trace_id{0, 1}));
  EXPECT_TRUE(kept.spans_of({9, 9}).empty());
  EXPECT_TRUE(kept.flush(0ms));
  EXPECT_EQ(receiver_.requests().size(), 0u);
}

TEST_F(recording, posts_protobuf_to_the_standard_path_on_one_connection) {
  auto sent = exporting();
  for (std::uint64_t id = 1; id <= 3; ++id) {
    sent->record(span_of(1, id));
    ASSERT_TRUE(sent->flush(patience));
  }
  auto requests = receiver_.requests();
  ASSERT_EQ(requests.size(), 3u);
  for (const auto& request : requests) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target, "/v1/traces");
    EXPECT_EQ(request.headers.at("content-type"), "application/x-protobuf");
    EXPECT_EQ(request.connection, 1u);
  }
  auto accepted = receiver_.accepted();
  EXPECT_TRUE(accepted.problems.empty());
  ASSERT_EQ(accepted.spans.size(), 3u);
  EXPECT_EQ(accepted.spans[2].span_id, "0000000000000003");
  EXPECT_EQ(accepted.spans[0].resource.at("troupe.node.name"), tests::decoded_value{"node-1"});
  EXPECT_EQ(exported(), 3u);
  EXPECT_EQ(dropped(), 0u);
}

TEST_F(recording, puts_the_name_of_the_node_on_every_span_and_into_the_service) {
  auto how = options(receiver_.endpoint());
  how.service = "troupe/{node}";
  how.target.resource = {{"service.name", "of OTEL_SERVICE_NAME"}};
  recorder sent{how, counted_, log_};
  sent.record(span_of(1, 1));
  auto of_client = span_of(1, 2);
  of_client.set_service("troupe-cli");
  sent.record(std::move(of_client));
  ASSERT_TRUE(sent.flush(patience));
  auto spans = receiver_.accepted().spans;
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0].attributes.at("troupe.node.name"), tests::decoded_value{"node-1"});
  EXPECT_EQ(spans[0].resource.at("service.name"), tests::decoded_value{"troupe/node-1"});
  EXPECT_EQ(spans[0].resource.count("ip"), 1u) << "Jaeger knows a host by it";
  EXPECT_EQ(spans[1].resource.at("service.name"), tests::decoded_value{"troupe-cli"});
  EXPECT_EQ(spans[1].attributes.at("troupe.node.name"), tests::decoded_value{"node-1"})
      << "the client was attached to it";
}

TEST_F(recording, lets_the_variable_name_the_service_if_no_key_does) {
  auto how = options(receiver_.endpoint());
  how.target.resource = {{"service.name", "of OTEL_SERVICE_NAME"}};
  recorder sent{how, counted_, log_};
  sent.record(span_of(1, 1));
  ASSERT_TRUE(sent.flush(patience));
  EXPECT_EQ(receiver_.accepted().spans.at(0).resource.at("service.name"),
            tests::decoded_value{"of OTEL_SERVICE_NAME"});
}

TEST_F(recording, keeps_but_does_not_send_what_was_sent_already) {
  auto sent = exporting();
  auto before = span_of(1, 1);
  before.set_exported(true);
  sent->record(std::move(before));
  sent->record(span_of(1, 2));
  ASSERT_TRUE(sent->flush(patience));
  ASSERT_EQ(receiver_.accepted().spans.size(), 1u);
  EXPECT_EQ(receiver_.accepted().spans[0].span_id, "0000000000000002");
  EXPECT_EQ(sent->spans_of({0, 1}).size(), 2u);
}

TEST_F(recording, sends_without_being_asked_once_the_interval_is_over) {
  auto sent = exporting();
  sent->record(span_of(1, 1));
  EXPECT_TRUE(receiver_.wait_for_spans(1, patience));
}

TEST_F(recording, sends_the_span_of_a_run_or_a_door_at_once_with_those_before_it) {
  auto how = options(receiver_.endpoint());
  how.flush_interval = 1h;
  recorder sent{how, counted_, log_};
  std::uint64_t id = 0;
  for (auto what : {&span_names::workflow, &span_names::door}) {
    sent.record(span_of(1, ++id));
    sent.record(begin_span(*what, "x", {{0, 1}, {}, 1}, {++id}, instant{5ns}));
    EXPECT_TRUE(receiver_.wait_for_spans(id, patience)) << what->first;
  }
  EXPECT_EQ(receiver_.requests().size(), 2u) << "nothing else made them leave";
}

TEST_F(recording, makes_few_exports_of_many_urgent_spans) {
  auto how = options(receiver_.endpoint());
  how.flush_interval = 1h;
  constexpr std::uint64_t count = 200;
  auto began = std::chrono::steady_clock::now();
  {
    recorder sent{how, counted_, log_};
    for (std::uint64_t id = 1; id <= count; ++id) {
      sent.record(begin_span(span_names::door, "x", {{0, 1}, {}, 1}, {id}, instant{5ns}));
      receiver_.wait_for_spans(count, 1ms); // they come one by one
    }
    ASSERT_TRUE(receiver_.wait_for_spans(count, patience));
  }
  auto took = std::chrono::steady_clock::now() - began;
  EXPECT_LE(receiver_.requests().size(),
            static_cast<std::size_t>(took / limits::otlp_urgent_interval) + 2);
}

TEST_F(recording, accepts_an_endpoint_with_path_or_slash) {
  for (auto suffix : {"/", "/v1/traces", "/collector"}) {
    recorder sent{options(receiver_.endpoint() + suffix), counted_, log_};
    sent.record(span_of(1, 1));
    ASSERT_TRUE(sent.flush(patience));
  }
  auto requests = receiver_.requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].target, "/v1/traces");
  EXPECT_EQ(requests[1].target, "/v1/traces");
  EXPECT_EQ(requests[2].target, "/collector/v1/traces");
}

TEST_F(recording, splits_many_spans_into_bounded_batches) {
  auto sent = exporting();
  constexpr std::uint64_t count = 3 * limits::spans_per_export / 2;
  for (std::uint64_t id = 1; id <= count; ++id)
    sent->record(span_of(1, id));
  ASSERT_TRUE(sent->flush(patience));
  EXPECT_EQ(receiver_.accepted().spans.size(), count);
  EXPECT_GE(receiver_.requests().size(), 2u);
  EXPECT_EQ(exported(), count);
}

TEST_F(recording, posts_a_long_body_without_asking_first) {
  auto sent = exporting();
  auto span = span_of(1, 1);
  set(span, "troupe.long", std::string(2 * limits::mib, 'x')); // beyond 1 MiB libcurl asks first
  sent->record(std::move(span));
  ASSERT_TRUE(sent->flush(patience));
  ASSERT_EQ(receiver_.requests().size(), 1u);
  EXPECT_EQ(receiver_.requests()[0].headers.count("expect"), 0u);
}

TEST_F(recording, drops_and_counts_when_the_collector_hangs) {
  receiver_.answer_always({200, "", {}, manner::hang});
  auto how = options(receiver_.endpoint());
  how.queued_max = 50;
  {
    recorder sent{how, counted_, log_};
    sent.record(span_of(1, 1));
    ASSERT_TRUE(receiver_.wait_for_requests(1, patience)); // the thread waits for an answer now
    for (std::uint64_t id = 2; id <= 201; ++id)
      sent.record(span_of(1, id));
    EXPECT_EQ(dropped(), 150u);
    EXPECT_EQ(sent.spans_of({0, 1}).size(), 100u)
        << "what is kept does not depend on the collector";
    EXPECT_FALSE(sent.flush(1ms));
  }
  EXPECT_EQ(exported() + dropped(), 201u) << "at the end every span is counted once";
  EXPECT_EQ(exported(), 0u);
}

TEST_F(recording, sends_what_is_queued_at_the_end) {
  auto how = options(receiver_.endpoint());
  how.flush_interval = 1h;
  {
    recorder sent{how, counted_, log_};
    for (std::uint64_t id = 1; id <= 1'300; ++id)
      sent.record(span_of(1, id));
  }
  EXPECT_EQ(receiver_.accepted().spans.size(), 1'300u);
  EXPECT_EQ(exported(), 1'300u);
}

TEST_F(recording, tries_a_busy_collector_once_more_at_the_end) {
  receiver_.script({503});
  {
    auto sent = exporting();
    sent->record(span_of(1, 1));
    ASSERT_TRUE(receiver_.wait_for_requests(1, patience));
  }
  EXPECT_EQ(receiver_.accepted().spans.size(), 1u);
  EXPECT_EQ(exported(), 1u);
}

TEST_F(recording, does_not_wait_at_the_end_for_a_collector_that_asks_for_more_time) {
  receiver_.script({503, "", {{"Retry-After", "3600"}}});
  {
    auto sent = exporting();
    sent->record(span_of(1, 1));
    ASSERT_TRUE(receiver_.wait_for_requests(1, patience));
  }
  EXPECT_EQ(receiver_.requests().size(), 1u);
  EXPECT_EQ(dropped(), 1u);
}

TEST_F(recording, loses_nothing_but_the_spans_when_nobody_listens) {
  std::string nowhere;
  {
    otlp_receiver gone;
    nowhere = gone.endpoint();
  }
  {
    recorder sent{options(nowhere), counted_, log_};
    for (std::uint64_t id = 1; id <= 600; ++id)
      sent.record(span_of(1, id));
  }
  EXPECT_EQ(dropped(), 600u);
  ASSERT_EQ(log_->lines().size(), 1u);
  EXPECT_NE(log_->lines()[0].find(nowhere), std::string::npos) << log_->lines()[0];
}

TEST_F(recording, takes_spans_from_many_threads) {
  auto sent = exporting();
  constexpr std::uint64_t threads = 4, each = 250;
  std::vector<std::thread> workers;
  for (std::uint64_t t = 0; t < threads; ++t)
    workers.emplace_back([&sent, t] {
      for (std::uint64_t i = 0; i < each; ++i)
        sent->record(span_of(t, t * each + i + 1));
    });
  for (auto& worker : workers)
    worker.join();
  ASSERT_TRUE(sent->flush(patience));
  EXPECT_EQ(receiver_.accepted().spans.size() + dropped(), threads * each);
  EXPECT_EQ(exported() + dropped(), threads * each);
}

} // namespace
} // namespace troupe
