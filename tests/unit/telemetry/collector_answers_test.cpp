#include "tests/unit/telemetry/recording.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;
using tests::otlp_receiver;
using tests::patience;
using tests::recording;
using tests::span_of;
using manner = otlp_receiver::manner;

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

TEST_F(recording, names_what_named_the_collector_and_a_certificate_that_is_not_there) {
  auto how = options("https" + receiver_.endpoint().substr(std::string_view{"http"}.size()));
  how.target.certificate = {"/nowhere/ca.pem", "OTEL_EXPORTER_OTLP_CERTIFICATE"};
  auto sent = std::make_unique<recorder>(how, counted_, log_);
  sent->record(span_of(1, 1));
  sent.reset(); // which does not wait for a collector that cannot be reached
  ASSERT_EQ(log_->lines().size(), 1u);
  EXPECT_NE(log_->lines()[0].find("(named by telemetry.otlp_endpoint)"), std::string::npos)
      << log_->lines()[0];
  EXPECT_NE(log_->lines()[0].find("OTEL_EXPORTER_OTLP_CERTIFICATE names /nowhere/ca.pem"),
            std::string::npos)
      << log_->lines()[0];
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
  EXPECT_EQ(resource.at("deployment.environment.name"), tests::decoded_value{"test"});
  EXPECT_EQ(resource.at("service.name"), tests::decoded_value{"ours"});
  EXPECT_EQ(resource.at("service.namespace"), tests::decoded_value{"default"});
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
  how.target.timeout = 100ms; // enough to connect, on a busy machine too
  recorder sent{how, counted_, log_};
  sent.record(span_of(1, 1));
  ASSERT_TRUE(sent.flush(patience)); // cuts short all attempts, each of which could take 10 s
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
  EXPECT_NE(log_->lines()[0].find("rejected 1 of 1 span: too old"), std::string::npos)
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

} // namespace
} // namespace troupe
