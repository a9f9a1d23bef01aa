#include "tests/e2e/e2e.hpp"

#include <cstdlib>

/// The demo's trace in a real Jaeger, read back through its query API.
namespace troupe::testing {

namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A Jaeger: where it takes traces and where it answers queries. TROUPE_TEST_JAEGER is the query
/// address of a running one (and TROUPE_TEST_JAEGER_OTLP is where it takes traces). Otherwise one
/// is started if it is installed.
class jaeger {
public:
  explicit jaeger(const home& user) : folder_(user.path() / "jaeger") {
    if (const char* given = std::getenv("TROUPE_TEST_JAEGER")) {
      query = given;
      const char* taker = std::getenv("TROUPE_TEST_JAEGER_OTLP");
      otlp = taker ? taker : "http://127.0.0.1:4318";
      return;
    }
    process have{{.program = script, .arguments = {"have"}}};
    if (have.wait(10s).value_or(exit_state{}).code != 0) {
      have.wait_for_closed_output(10s);
      missing = have.errors();
      return;
    }
    process start{{.program = script, .arguments = {"start", folder_.string()}}};
    started_ = true;
    if (start.wait(60s).value_or(exit_state{}).code != 0)
      throw std::runtime_error("jaeger.sh start: " + start.errors());
    start.wait_for_closed_output(1s);
    query = setting(start.output(), "JAEGER_QUERY=");
    otlp = setting(start.output(), "OTLP_HTTP=");
  }

  ~jaeger() {
    if (started_)
      process{{.program = script, .arguments = {"stop", folder_.string()}}}.wait(30s);
  }

  std::string missing; ///< why there is none; empty if there is one
  std::string query;
  std::string otlp;

private:
  static constexpr const char* script = TROUPE_SOURCE_DIR "/tests/support/servers/jaeger.sh";

  static std::string setting(const std::string& text, std::string_view key) {
    auto begin = text.find(key);
    return begin == text.npos
               ? ""
               : text.substr(begin + key.size(), text.find('\n', begin) - begin - key.size());
  }

  std::filesystem::path folder_;
  bool started_ = false;
};

/// The trace, once Jaeger has all its spans. Jaeger stores spans a moment after it takes them,
/// without a notice, so it is asked repeatedly.
json trace_from(const jaeger& server, const std::string& id, std::size_t spans) {
  json found;
  for (auto deadline = clock::now() + 20s; clock::now() < deadline;) {
    auto answer = http_get(server.query + "/api/traces/" + id);
    auto parsed = json::parse(answer.body, nullptr, false);
    if (answer.status != 200 || !parsed.is_object() || parsed["data"].empty())
      continue;
    found = parsed["data"][0];
    if (found.at("spans").size() >= spans)
      break;
  }
  return found;
}

std::string parent_of(const json& span) {
  for (const auto& reference : span.value("references", json::array()))
    if (reference.at("refType") == "CHILD_OF")
      return reference.at("spanID");
  return "";
}

class in_jaeger : public e2e_test {};

TEST_F(in_jaeger, the_demo_is_one_whole_trace_from_three_instances) {
  jaeger server{user};
  if (!server.missing.empty()) {
    const char* required = std::getenv("TROUPE_REQUIRE");
    if (required && std::string_view{required}.find("jaeger") != std::string_view::npos)
      FAIL() << "TROUPE_REQUIRE=jaeger, but there is none: " << server.missing;
    GTEST_SKIP() << server.missing;
  }
  cluster three{user, {.environment = {{"TROUPE_TELEMETRY_OTLP_ENDPOINT", server.otlp}}}};
  auto ran = user.troupe(digest(licences));
  ASSERT_TRUE(ran.ok()) << ran.shown();
  auto kept = trace_in(user.troupe({"trace", "last", "--json"}).parsed());
  auto trace = trace_from(server, kept.id, kept.spans.size());
  ASSERT_TRUE(trace.is_object()) << "Jaeger has nothing of " << kept.id;

  std::map<std::string, std::string> expected, got;
  for (const auto& span : kept.spans)
    expected[span.id] = span.parent + " " + span.name;
  std::vector<std::string> roots;
  for (const auto& span : trace.at("spans")) {
    auto parent = parent_of(span);
    got[span.at("spanID")] = parent + " " + span.at("operationName").get<std::string>();
    if (parent.empty())
      roots.push_back(span.at("operationName"));
  }
  EXPECT_EQ(got, expected) << "all spans are there, each with its name and parent";
  EXPECT_THAT(roots, ::testing::ElementsAre("invoke_workflow digest"));
  EXPECT_THAT(orphans_of(kept), IsEmpty());
  std::set<std::string> instances;
  for (const auto& [key, from] : trace.at("processes").items()) {
    EXPECT_EQ(from.at("serviceName"), "troupe");
    for (const auto& tag : from.at("tags"))
      if (tag.at("key") == "service.instance.id")
        instances.insert(tag.at("value"));
  }
  EXPECT_THAT(instances, SizeIs(3));
}

} // namespace

} // namespace troupe::testing
