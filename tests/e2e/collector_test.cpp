#include "tests/e2e/e2e.hpp"
#include "tests/support/otlp_receiver.hpp"

#include <fstream>

/// Where traces go and which ones: OpenTelemetry's variables, TLS, sampling.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class collectors : public e2e_test {
protected:
  bool send_one(const std::string& key, variables environment = {}) {
    auto sent = user.troupe({"send", "librarian/" + key, "Remember: Geese fly south."},
                            std::move(environment));
    EXPECT_TRUE(sent.ok()) << sent.shown();
    return sent.ok();
  }
};

TEST_F(collectors, the_variables_of_opentelemetry_say_where_traces_go) {
  otlp_receiver collector;
  cluster one{user,
              {.nodes = 1,
               .environment = {{"OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint() + "/base/"},
                               {"OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2"},
                               {"OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"},
                               {"OTEL_SERVICE_NAME", "geese"}}}};
  ASSERT_TRUE(send_one("a"));
  ASSERT_TRUE(collector.wait_for_spans(1, 20s));
  auto request = collector.requests().at(0);
  EXPECT_EQ(request.target, "/base/v1/traces");
  EXPECT_EQ(request.headers.at("authorization"), "Bearer hunter2");
  auto resource = collector.accepted().spans.at(0).resource;
  EXPECT_EQ(resource.at("service.name"), decoded_value{std::string{"geese"}});
  EXPECT_EQ(resource.at("deployment.environment.name"), decoded_value{std::string{"test"}});
  EXPECT_EQ(one.stop().code, 0);
  for (const auto& file : std::filesystem::recursive_directory_iterator{user.data()})
    if (file.is_regular_file()) {
      EXPECT_THAT(read_file(file.path()), Not(HasSubstr("hunter2"))) << file.path();
    }
}

TEST_F(collectors, a_collector_behind_tls_is_trusted_by_its_certificate_only) {
  auto folder = user.path() / "collector";
  std::filesystem::create_directories(folder);
  process_options how;
  how.program = "/usr/bin/env";
  how.arguments = {"python3", TROUPE_SOURCE_DIR "/tests/support/servers/tls_collector.py",
                   folder.string()};
  process server{std::move(how)};
  auto endpoint = server.read_line(command_deadline);
  ASSERT_TRUE(endpoint) << server.errors();
  {
    cluster stranger{user,
                     {.nodes = 1, .environment = {{"OTEL_EXPORTER_OTLP_ENDPOINT", *endpoint}}}};
    ASSERT_TRUE(send_one("a"));
    EXPECT_TRUE(wait_for_line(user.data() / "node-1" / "log.jsonl",
                              {"cannot export spans", "certificate"}, 20s));
    EXPECT_EQ(stranger.stop().code, 0);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "1.otlp"));
  cluster friendly{
      user,
      {.nodes = 1,
       .environment = {{"OTEL_EXPORTER_OTLP_ENDPOINT", *endpoint},
                       {"OTEL_EXPORTER_OTLP_CERTIFICATE", (folder / "ca.pem").string()}}}};
  ASSERT_TRUE(send_one("b"));
  EXPECT_EQ(friendly.stop().code, 0); // queued spans are sent before the end
  auto got = decode_export_request(read_file(folder / "1.otlp"));
  EXPECT_THAT(got.problems, IsEmpty());
  EXPECT_FALSE(got.spans.empty());
}

TEST_F(collectors, a_node_decides_by_the_ratio_unless_its_caller_has_decided) {
  otlp_receiver collector;
  cluster one{user,
              {.nodes = 1,
               .environment = {{"TROUPE_TELEMETRY_OTLP_ENDPOINT", collector.endpoint()},
                               {"TROUPE_TELEMETRY_SAMPLE_RATIO", "0"}}}};
  ASSERT_TRUE(send_one("a"));
  auto told = user.troupe({"trace", "last"});
  EXPECT_EQ(told.ended.code, 1);
  EXPECT_THAT(told.err, HasSubstr("telemetry.sample_ratio"));
  const std::string parent = "-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-";
  ASSERT_TRUE(send_one("b", {{"TRACEPARENT", "00" + parent + "01"}}));
  ASSERT_TRUE(send_one("c", {{"TRACEPARENT", "00" + parent + "00"}}));
  EXPECT_EQ(one.stop().code, 0);
  auto got = collector.accepted();
  ASSERT_FALSE(got.spans.empty());
  for (const auto& span : got.spans) {
    EXPECT_EQ(span.trace_id, "0af7651916cd43dd8448eb211c80319c");
    if (auto agent = span.attributes.find("gen_ai.agent.id"); agent != span.attributes.end()) {
      EXPECT_EQ(agent->second, decoded_value{std::string{"librarian/b"}});
    }
  }
}

TEST_F(collectors, what_the_environment_gets_wrong_is_told_and_stops_nobody) {
  cluster one{user,
              {.nodes = 1,
               .environment = {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317"},
                               {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"},
                               {"OTEL_EXPORTER_OTLP_HEADERS", "hunter2"}}}};
  ASSERT_TRUE(send_one("a"));
  EXPECT_EQ(one.stop().code, 0);
  auto log = read_file(user.data() / "node-1" / "log.jsonl");
  EXPECT_THAT(log, AllOf(HasSubstr("OTEL_EXPORTER_OTLP_PROTOCOL"), HasSubstr("4318"),
                         HasSubstr("OTEL_EXPORTER_OTLP_HEADERS"), Not(HasSubstr("hunter2"))));
}

} // namespace

} // namespace troupe::tests
