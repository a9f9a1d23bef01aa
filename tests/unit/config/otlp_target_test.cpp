#include "config/otlp_target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using variables = std::map<std::string, std::string>;

otlp_target target_of(variables otel, std::string endpoint = {}) {
  node_config::telemetry_section telemetry;
  telemetry.otel = std::move(otel);
  telemetry.otlp_endpoint = std::move(endpoint);
  return otlp_target_of(telemetry);
}

std::string base(std::string_view text) {
  auto parsed = parse_otlp_url(text, otlp_path::base);
  return parsed ? parsed->full : parsed.error();
}

TEST(otlp_target, takes_the_addresses_that_work_elsewhere) {
  EXPECT_EQ(base("http://127.0.0.1:4318"), "http://127.0.0.1:4318/v1/traces");
  EXPECT_EQ(base("http://127.0.0.1:4318/"), "http://127.0.0.1:4318/v1/traces");
  EXPECT_EQ(base("http://127.0.0.1:4318/v1/traces"), "http://127.0.0.1:4318/v1/traces");
  EXPECT_EQ(base("http://127.0.0.1:4318/v1/traces/"), "http://127.0.0.1:4318/v1/traces");
  EXPECT_EQ(base("https://collector.example/api/public/otel"),
            "https://collector.example/api/public/otel/v1/traces");
  EXPECT_EQ(base("http://localhost"), "http://localhost/v1/traces");
  EXPECT_EQ(base("HTTP://[::1]:4318"), "http://[::1]:4318/v1/traces");
  EXPECT_EQ(base("https://u:p%40ss@x:1/a?key=v"), "https://u:p%40ss@x:1/a/v1/traces?key=v");
}

TEST(otlp_target, refuses_what_is_no_address_and_repeats_no_password) {
  for (auto bad :
       {"127.0.0.1:4318", "localhost", "ftp://x:1", "http://", "http://x:0", "http://x:66000",
        "http://a b:1", "http://x:1/#part", "grpc://x:4317", "http://x:1\r\nHost: y", "/v1/traces"})
    EXPECT_THAT(base(bad), HasSubstr("expected http://HOST:PORT or https://HOST")) << bad;
  for (auto secret : {"http://user:hunter2@ x", "ftp://user:hunter2@x:1", "user:hunter2@x",
                      "ftp://x/?key=hunter2"})
    EXPECT_THAT(base(secret), ::testing::Not(HasSubstr("hunter2")));
  for (auto secret : {"http://user:hunt?er@x:1", "http://user:hunt?er", "ftp://x/?key=a@hunt"})
    EXPECT_THAT(base(secret), ::testing::Not(HasSubstr("hunt"))) << secret;
  EXPECT_THAT(base("ftp://x:1?a"), HasSubstr("ftp://x:1\""));
}

TEST(otlp_target, says_what_it_does_not_understand_in_switches) {
  EXPECT_THAT(target_of({{"OTEL_SDK_DISABLED", "1"}}).warnings,
              ElementsAre(HasSubstr("OTEL_SDK_DISABLED: expected true or false, found \"1\"")));
  EXPECT_THAT(target_of({{"OTEL_SDK_DISABLED", "FALSE"}}).warnings, IsEmpty());
  EXPECT_THAT(target_of({{"OTEL_TRACES_SAMPLER", "jaeger_remote"}}).warnings,
              ElementsAre(HasSubstr("found \"jaeger_remote\"")));
  EXPECT_THAT(
      target_of({{"OTEL_TRACES_SAMPLER", "traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", "0,5"}})
          .warnings,
      ElementsAre(HasSubstr("\"0,5\"")));
  EXPECT_THAT(target_of({{"OTEL_TRACES_SAMPLER", "parentbased_always_off"}}).warnings, IsEmpty());
}

TEST(otlp_target, an_empty_header_is_sent_empty) {
  EXPECT_THAT(target_of({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"},
                         {"OTEL_EXPORTER_OTLP_HEADERS", "x-empty="}})
                  .headers,
              ElementsAre("x-empty;"));
}

TEST(otlp_target, shows_addresses_without_their_secrets) {
  auto parsed = parse_otlp_url("https://user:hunter2@x:1/a?api-key=hunter2", otlp_path::base);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->shown, "https://x:1/a/v1/traces");
  EXPECT_THAT(parsed->full, HasSubstr("hunter2"));
  EXPECT_FALSE(parsed->loopback);
  for (auto here : {"http://localhost:1", "http://127.3.0.1", "https://[::1]:2"})
    EXPECT_TRUE(parse_otlp_url(here, otlp_path::base)->loopback) << here;
  EXPECT_FALSE(parse_otlp_url("http://127.evil.example", otlp_path::base)->loopback);
}

TEST(otlp_target, nothing_set_exports_nothing) {
  auto to = target_of({});
  EXPECT_EQ(to.url.full, "");
  EXPECT_THAT(to.warnings, IsEmpty());
}

TEST(otlp_target, the_base_gets_the_path_of_the_signal_and_the_signal_stays_as_it_is) {
  EXPECT_EQ(target_of({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1/b"}}).url.full,
            "http://a:1/b/v1/traces");
  auto both = target_of({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"},
                         {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:2/d"}});
  EXPECT_EQ(both.url.full, "http://c:2/d");
  EXPECT_EQ(both.from, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  EXPECT_EQ(target_of({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:2"}}).url.full,
            "http://c:2/");
}

TEST(otlp_target, our_key_is_over_their_variables) {
  variables theirs{{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"}, {"OTEL_SDK_DISABLED", "true"}};
  EXPECT_EQ(target_of(theirs, "http://ours:2").url.full, "http://ours:2/v1/traces");
  EXPECT_EQ(target_of({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"}}, "none").url.full, "");
}

TEST(otlp_target, can_be_disabled_as_any_sdk) {
  variables on{{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"}};
  for (auto [name, value] :
       {std::pair{"OTEL_SDK_DISABLED", "true"}, std::pair{"OTEL_SDK_DISABLED", "TRUE"},
        std::pair{"OTEL_TRACES_EXPORTER", "none"}}) {
    auto off = on;
    off[name] = value;
    EXPECT_EQ(target_of(off).url.full, "") << name;
  }
  on["OTEL_SDK_DISABLED"] = "false";
  on["OTEL_TRACES_EXPORTER"] = "otlp";
  EXPECT_NE(target_of(on).url.full, "");
}

TEST(otlp_target, reads_headers_with_their_values_decoded) {
  auto to = target_of({{"OTEL_EXPORTER_OTLP_HEADERS", "a=1"},
                       {"OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                        " Authorization=Basic%20c2VjcmV0Cg== , x-org = team ,,"}},
                      "http://a:1");
  EXPECT_THAT(to.headers, ElementsAre("Authorization: Basic c2VjcmV0Cg==", "x-org: team"));
  EXPECT_THAT(to.warnings, IsEmpty());
}

TEST(otlp_target, a_header_that_is_none_is_left_out_and_its_value_is_not_told) {
  auto to = target_of(
      {{"OTEL_EXPORTER_OTLP_HEADERS", "good=1,hunter2,a b=hunter2,c=hunter2%0d%0aX: y,d=%zz"}},
      "http://a:1");
  EXPECT_THAT(to.headers, ElementsAre("good: 1"));
  EXPECT_EQ(to.warnings.size(), 4u);
  for (const auto& warning : to.warnings)
    EXPECT_THAT(warning, ::testing::AllOf(HasSubstr("OTEL_EXPORTER_OTLP_HEADERS"),
                                          ::testing::Not(HasSubstr("hunter2"))));
}

TEST(otlp_target, reads_times_files_and_compression) {
  auto to = target_of({{"OTEL_EXPORTER_OTLP_TIMEOUT", "2500"},
                       {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/etc/ca.pem"},
                       {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/etc/me.pem"},
                       {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "/etc/me.key"},
                       {"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"},
                       {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}},
                      "http://a:1");
  EXPECT_EQ(to.timeout, 2500ms);
  EXPECT_EQ(to.certificate.path, "/etc/ca.pem");
  EXPECT_EQ(to.certificate.from, "OTEL_EXPORTER_OTLP_CERTIFICATE");
  EXPECT_EQ(to.client_certificate.path, "/etc/me.pem");
  EXPECT_EQ(to.client_key.path, "/etc/me.key");
  EXPECT_TRUE(to.gzip);
  EXPECT_THAT(to.warnings, IsEmpty());
}

TEST(otlp_target, warns_of_what_it_does_not_understand_and_goes_on) {
  for (auto [name, value] : {std::pair{"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"},
                             std::pair{"OTEL_EXPORTER_OTLP_TIMEOUT", "0"},
                             std::pair{"OTEL_EXPORTER_OTLP_TIMEOUT", "99999999999"},
                             std::pair{"OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"},
                             std::pair{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"},
                             std::pair{"OTEL_RESOURCE_ATTRIBUTES", "nonsense"}}) {
    auto to = target_of({{name, value}}, "http://a:1");
    EXPECT_EQ(to.url.full, "http://a:1/v1/traces");
    ASSERT_EQ(to.warnings.size(), 1u) << name;
    EXPECT_THAT(to.warnings[0], HasSubstr(name));
    EXPECT_EQ(to.timeout, limits::otlp_request_timeout);
  }
  auto nowhere = target_of({{"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"}});
  EXPECT_EQ(nowhere.url.full, "");
  EXPECT_THAT(nowhere.warnings, ElementsAre(HasSubstr("OTEL_EXPORTER_OTLP_ENDPOINT: expected")));
}

TEST(otlp_target, the_name_of_the_service_is_over_the_attributes) {
  auto to = target_of(
      {{"OTEL_RESOURCE_ATTRIBUTES", "service.name=a,team=x%20y"}, {"OTEL_SERVICE_NAME", "b"}},
      "http://a:1");
  EXPECT_THAT(to.resource, ElementsAre(Pair("team", "x y"), Pair("service.name", "b")));
}

TEST(otlp_target, reads_the_samplers_that_are_there) {
  EXPECT_EQ(otel_sample_ratio({}), std::nullopt);
  EXPECT_EQ(otel_sample_ratio({{"OTEL_TRACES_SAMPLER", "always_off"}}), 0.0);
  EXPECT_EQ(otel_sample_ratio({{"OTEL_TRACES_SAMPLER", "parentbased_always_on"}}), 1.0);
  variables ratio{{"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"},
                  {"OTEL_TRACES_SAMPLER_ARG", "0.25"}};
  EXPECT_EQ(otel_sample_ratio(ratio), 0.25);
  ratio["OTEL_TRACES_SAMPLER_ARG"] = "2";
  EXPECT_EQ(otel_sample_ratio(ratio), std::nullopt);
  EXPECT_EQ(otel_sample_ratio({{"OTEL_TRACES_SAMPLER", "jaeger_remote"}}), std::nullopt);
}

} // namespace
} // namespace troupe
