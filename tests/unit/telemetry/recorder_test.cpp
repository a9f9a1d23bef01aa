#include "config/limits/telemetry.hpp"
#include "config/limits/units.hpp"
#include "messages/spans.pb.h"
#include "telemetry/recorder.hpp"

#include "telemetry/span.hpp"
#include "tests/support/otlp_receiver.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>

namespace troupe {
namespace {

using namespace std::chrono_literals;
using testing::otlp_receiver;
using manner = otlp_receiver::manner;

constexpr auto patience = 20s; // what a wait that goes well never needs

class listening_sink final : public log_sink {
public:
  void write(log_line line) override {
    std::lock_guard lock{mutex_};
    levels_.push_back(line.level);
    lines_.push_back(std::move(line.text));
  }
  std::vector<log_level> levels() const {
    std::lock_guard lock{mutex_};
    return levels_;
  }
  std::vector<std::string> lines() const {
    std::lock_guard lock{mutex_};
    return lines_;
  }

private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::vector<log_level> levels_;
};

SpanData span_of(std::uint64_t trace, std::uint64_t id, std::uint64_t parent = 1,
                 std::int64_t start = 5) {
  return begin_span("task", span_kind::internal, {{0, trace}, {parent}, 1}, {id},
                    instant{std::chrono::nanoseconds{start}});
}

class recording : public ::testing::Test {
protected:
  recorder_options options(std::string endpoint) const {
    recorder_options made;
    made.node = {1, 2};
    made.node_name = "node-1";
    made.cluster = "default";
    if (!endpoint.empty())
      made.target.url = *parse_otlp_url(endpoint, otlp_path::base);
    made.kept_max = 100;
    made.queued_max = 2'000;
    made.flush_interval = 5ms;
    return made;
  }

  std::unique_ptr<recorder> exporting() {
    return std::make_unique<recorder>(options(receiver_.endpoint()), counted_, log_);
  }

  std::uint64_t exported() { return counted_.plain().spans_exported; }
  std::uint64_t dropped() { return counted_.plain().spans_dropped; }

  otlp_receiver receiver_;
  metrics counted_;
  std::shared_ptr<listening_sink> log_ = std::make_shared<listening_sink>();
};

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
  EXPECT_EQ(accepted.spans[0].resource.at("troupe.node.name"), testing::decoded_value{"node-1"});
  EXPECT_EQ(exported(), 3u);
  EXPECT_EQ(dropped(), 0u);
}

TEST_F(recording, sends_without_being_asked_once_the_interval_is_over) {
  auto sent = exporting();
  sent->record(span_of(1, 1));
  EXPECT_TRUE(receiver_.wait_for_spans(1, patience));
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
  set(span, "troupe.long", std::string(2 * limits::mib, 'x')); // libcurl asks beyond one
  sent->record(std::move(span));
  ASSERT_TRUE(sent->flush(patience));
  ASSERT_EQ(receiver_.requests().size(), 1u);
  EXPECT_EQ(receiver_.requests()[0].headers.count("expect"), 0u);
}

TEST_F(recording, sends_a_batch_again_when_it_may) {
  for (unsigned status : {503u, 429u, 502u, 504u})
    receiver_.script({status, "", {{"Retry-After", "0"}}});
  auto sent = exporting();
  sent->record(span_of(1, 1));
  ASSERT_TRUE(sent->flush(patience));
  auto requests = receiver_.requests();
  ASSERT_EQ(requests.size(), 5u);
  EXPECT_EQ(requests[4].body, requests[0].body);
  EXPECT_EQ(receiver_.accepted().spans.size(), 1u);
  EXPECT_EQ(exported(), 1u);
  EXPECT_EQ(dropped(), 0u);
  EXPECT_TRUE(log_->lines().empty());
}

TEST_F(recording, sends_a_batch_again_when_the_connection_fails) {
  receiver_.script({0, "", {}, manner::close});
  auto sent = exporting();
  sent->record(span_of(1, 1));
  ASSERT_TRUE(sent->flush(patience));
  EXPECT_GE(receiver_.requests().size(), 2u);
  EXPECT_EQ(exported(), 1u);
}

TEST_F(recording, never_sends_again_what_was_refused) {
  for (unsigned status : {400u, 401u, 404u, 413u, 500u})
    receiver_.script({status});
  auto sent = exporting();
  for (std::uint64_t id = 1; id <= 5; ++id) {
    sent->record(span_of(1, id));
    ASSERT_TRUE(sent->flush(patience));
  }
  EXPECT_EQ(receiver_.requests().size(), 5u);
  EXPECT_EQ(dropped(), 5u);
  EXPECT_EQ(exported(), 0u);
  ASSERT_EQ(log_->lines().size(), 1u) << "said once, not for every batch";
  EXPECT_NE(log_->lines()[0].find("status 400"), std::string::npos) << log_->lines()[0];
  sent->record(span_of(1, 6));
  ASSERT_TRUE(sent->flush(patience));
  ASSERT_EQ(log_->lines().size(), 2u);
  EXPECT_NE(log_->lines()[1].find("again"), std::string::npos);
}

TEST_F(recording, never_sends_again_what_was_accepted_in_part) {
  receiver_.script({200, "\x0a\x06\x08\x02\x12\x02no"});
  auto sent = exporting();
  for (std::uint64_t id = 1; id <= 3; ++id)
    sent->record(span_of(1, id));
  ASSERT_TRUE(sent->flush(patience));
  auto batches = receiver_.requests().size();
  EXPECT_EQ(exported() + dropped(), 3u);
  EXPECT_GE(dropped(), 1u);
  EXPECT_LE(dropped(), 2u); // the first batch may have been smaller than what was rejected
  EXPECT_EQ(receiver_.accepted().spans.size(), 3u) << batches;
  ASSERT_EQ(log_->lines().size(), 1u);
  EXPECT_NE(log_->lines()[0].find("rejected"), std::string::npos);
}

TEST_F(recording, gives_a_batch_up_after_its_attempts) {
  receiver_.answer_always({503});
  auto sent = exporting();
  sent->record(span_of(1, 1));
  ASSERT_TRUE(sent->flush(patience));
  EXPECT_EQ(receiver_.requests().size(), limits::otlp_attempts_max);
  EXPECT_EQ(dropped(), 1u);
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

TEST_F(recording, reads_no_answer_beyond_its_bound) {
  otlp_receiver::answer huge{200, std::string(limits::otlp_answer_bytes_max + 1, '\n'), {}};
  receiver_.script(huge);
  auto sent = exporting();
  sent->record(span_of(1, 1));
  ASSERT_TRUE(sent->flush(patience));
  sent->record(span_of(1, 2));
  ASSERT_TRUE(sent->flush(patience));
  auto requests = receiver_.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[1].connection, 2u) << "the rest of the answer was not read";
}

TEST_F(recording, tells_what_the_environment_got_wrong_and_records_on) {
  auto how = options("");
  how.target.warnings = {"OTEL_EXPORTER_OTLP_ENDPOINT: expected http://HOST:PORT"};
  recorder kept{how, counted_, log_};
  kept.record(span_of(1, 1));
  EXPECT_EQ(kept.spans_of({0, 1}).size(), 1u);
  EXPECT_EQ(log_->lines(), how.target.warnings);
}

TEST_F(recording, sends_the_headers_and_attributes_of_its_target) {
  auto how = options(receiver_.endpoint());
  how.target.headers = {"Authorization: Basic secret", "x-scope: team"};
  how.target.resource = {{"deployment.environment.name", "test"}, {"service.name", "ours"}};
  recorder sent{how, counted_, log_};
  sent.record(span_of(1, 1));
  ASSERT_TRUE(sent.flush(patience));
  auto requests = receiver_.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].headers.at("authorization"), "Basic secret");
  EXPECT_EQ(requests[0].headers.at("x-scope"), "team");
  auto resource = receiver_.accepted().spans.at(0).resource;
  EXPECT_EQ(resource.at("deployment.environment.name"), testing::decoded_value{"test"});
  EXPECT_EQ(resource.at("service.name"), testing::decoded_value{"ours"});
  EXPECT_EQ(resource.at("service.namespace"), testing::decoded_value{"default"});
}

TEST_F(recording, compresses_where_its_target_says_so) {
  auto how = options(receiver_.endpoint());
  how.target.gzip = true;
  recorder sent{how, counted_, log_};
  auto span = span_of(1, 1);
  set(span, "troupe.long", std::string(100'000, 'x'));
  sent.record(std::move(span));
  ASSERT_TRUE(sent.flush(patience));
  auto requests = receiver_.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].headers.at("content-encoding"), "gzip");
  EXPECT_LT(requests[0].body.size(), 5'000u);
  EXPECT_EQ(requests[0].body.substr(0, 2), "\x1f\x8b");
}

TEST_F(recording, waits_for_an_answer_as_long_as_its_target_says) {
  receiver_.answer_always({200, "", {}, manner::hang});
  auto how = options(receiver_.endpoint());
  how.target.timeout = 10ms;
  recorder sent{how, counted_, log_};
  sent.record(span_of(1, 1));
  ASSERT_TRUE(sent.flush(patience)); // all attempts, of ten seconds each otherwise
  EXPECT_EQ(receiver_.requests().size(), limits::otlp_attempts_max);
  EXPECT_EQ(dropped(), 1u);
}

TEST_F(recording, an_answer_that_is_none_of_a_collector_counts_as_none) {
  receiver_.answer_always({200, "<html>hello</html>", {{"Content-Type", "text/html"}}});
  auto sent = exporting();
  for (std::uint64_t id = 1; id <= 2; ++id) {
    sent->record(span_of(1, id));
    ASSERT_TRUE(sent->flush(patience));
  }
  EXPECT_EQ(dropped(), 2u);
  EXPECT_EQ(exported(), 0u);
  EXPECT_EQ(receiver_.requests().size(), 2u) << "it is not sent again";
  ASSERT_EQ(log_->lines().size(), 1u);
  EXPECT_NE(log_->lines()[0].find("text/html"), std::string::npos) << log_->lines()[0];
}

TEST_F(recording, names_the_redirect_that_it_does_not_follow) {
  receiver_.script({301, "", {{"Location", "https://elsewhere.example/v1/traces"}}});
  auto sent = exporting();
  sent->record(span_of(1, 1));
  ASSERT_TRUE(sent->flush(patience));
  ASSERT_EQ(log_->lines().size(), 1u);
  EXPECT_NE(log_->lines()[0].find("redirect to https://elsewhere.example"), std::string::npos);
}

TEST_F(recording, reads_what_was_rejected_from_json_too) {
  receiver_.script({200,
                    R"({"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}})",
                    {{"Content-Type", "application/json; charset=utf-8"}}});
  auto sent = exporting();
  sent->record(span_of(1, 1));
  ASSERT_TRUE(sent->flush(patience));
  EXPECT_EQ(dropped(), 1u);
  ASSERT_EQ(log_->lines().size(), 1u);
  EXPECT_NE(log_->lines()[0].find("rejected 1 of 1 spans: too old"), std::string::npos)
      << log_->lines()[0];
}

TEST_F(recording, a_message_of_a_collector_that_took_all_is_told_once_and_is_no_warning) {
  receiver_.answer_always({200, "\x0a\x04\x12\x02hi"});
  auto sent = exporting();
  for (std::uint64_t id = 1; id <= 3; ++id) {
    sent->record(span_of(1, id));
    ASSERT_TRUE(sent->flush(patience));
  }
  EXPECT_EQ(exported(), 3u);
  ASSERT_EQ(log_->lines().size(), 1u);
  EXPECT_NE(log_->lines()[0].find("says: hi"), std::string::npos) << log_->lines()[0];
  EXPECT_EQ(log_->levels()[0], log_level::info);
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
