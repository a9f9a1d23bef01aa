#include "tests/e2e/e2e.hpp"
#include "tests/support/otlp_receiver.hpp"

#include <csignal>

/// Observability: traces in the terminal, by OTLP and in a real Jaeger, metrics, health, logs.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class sight : public e2e_test {
protected:
  /// Runs digest on the licences and returns its trace, as the nodes keep it.
  told_trace trace_of_digest() {
    auto ran = user.troupe(digest(licences, question, {"--json"}));
    EXPECT_TRUE(ran.ok()) << ran.shown();
    auto told = user.troupe({"trace", "last", "--json"});
    EXPECT_TRUE(told.ok()) << told.shown();
    auto trace = trace_in(told.parsed());
    EXPECT_EQ(trace.id, ran.parsed().at("trace_id"));
    return trace;
  }
};

std::size_t count_named(const told_trace& trace, std::string_view prefix) {
  std::size_t count = 0;
  for (const auto& span : trace.spans)
    count += span.name.starts_with(prefix);
  return count;
}

TEST_F(sight, a_run_is_one_trace_across_all_nodes) {
  cluster three{user};
  auto trace = trace_of_digest();
  ASSERT_THAT(roots_of(trace), SizeIs(1));
  EXPECT_EQ(roots_of(trace)[0].name, "troupe run digest");
  auto is_run = [](const told_span& span) { return span.name == "invoke_workflow digest"; };
  auto found = std::find_if(trace.spans.begin(), trace.spans.end(), is_run);
  ASSERT_NE(found, trace.spans.end());
  const auto& root = *found;
  EXPECT_EQ(root.attributes.at("gen_ai.operation.name"), "invoke_workflow");
  EXPECT_THAT(orphans_of(trace), IsEmpty());
  EXPECT_THAT(node_names_of(trace), SizeIs(4)) << "three nodes and the client";
  EXPECT_THAT(trace.silent, IsEmpty());
  auto tasks = count_named(trace, "task ");
  EXPECT_EQ(tasks, root.attributes.at("troupe.tasks").get<std::size_t>());
  EXPECT_EQ(count_named(trace, "invoke_agent reader"), tasks - 1);
  EXPECT_EQ(count_named(trace, "invoke_agent editor"), 1u);
  EXPECT_GE(count_named(trace, "chat "), tasks - 1);
  for (const auto& span : trace.spans) {
    if (!span.name.starts_with("chat "))
      continue;
    EXPECT_EQ(span.attributes.at("gen_ai.operation.name"), "chat");
    EXPECT_GT(span.attributes.at("gen_ai.usage.input_tokens").get<int>(), 0) << span.name;
    EXPECT_TRUE(span.attributes.contains("gen_ai.provider.name"));
    EXPECT_TRUE(span.attributes.contains("gen_ai.request.model"));
  }
}

TEST_F(sight, a_message_is_one_trace) {
  cluster three{user};
  ASSERT_TRUE(user.troupe({"send", "librarian/me", "Remember: Geese fly south."}).ok());
  ASSERT_TRUE(user.troupe({"send", "librarian/me", "Where do geese fly?"}).ok());
  auto told = user.troupe({"trace", "last", "--json"});
  ASSERT_TRUE(told.ok()) << told.shown();
  auto trace = trace_in(told.parsed());
  ASSERT_THAT(roots_of(trace), SizeIs(1));
  EXPECT_EQ(roots_of(trace)[0].name, "troupe send librarian");
  EXPECT_THAT(orphans_of(trace), IsEmpty());
}

TEST_F(sight, the_waterfall_shows_nodes_roles_and_models) {
  cluster three{user};
  trace_of_digest();
  auto drawn = user.troupe({"trace", "last"});
  ASSERT_TRUE(drawn.ok()) << drawn.shown();
  EXPECT_THAT(drawn.out, AllOf(HasSubstr("digest"), HasSubstr("reader"), HasSubstr("editor"),
                               HasSubstr("offline"), HasSubstr("node-1"), HasSubstr("node-2"),
                               HasSubstr("node-3"), HasSubstr("GPL-3")));
}

TEST_F(sight, a_trace_names_the_nodes_that_do_not_answer) {
  cluster three{user};
  auto whole = trace_of_digest();
  ::kill(three.node("node-3").pid, SIGSTOP);
  auto told = user.troupe({"trace", whole.id, "--json", "--peer", three.node("node-1").address});
  ::kill(three.node("node-3").pid, SIGCONT);
  ASSERT_TRUE(told.ok()) << told.shown();
  auto trace = trace_in(told.parsed());
  EXPECT_THAT(trace.silent, Contains("node-3"));
  EXPECT_LT(trace.spans.size(), whole.spans.size());
  EXPECT_GT(trace.spans.size(), 0u);
}

TEST_F(sight, a_parent_from_outside_is_taken_up) {
  cluster one{user, {.nodes = 1}};
  auto id = "0af7651916cd43dd8448eb211c80319c";
  auto ran = user.troupe(digest(documents(), question, {"--json"}),
                         {{"TRACEPARENT", std::string{"00-"} + id + "-b7ad6b7169203331-01"}});
  ASSERT_TRUE(ran.ok()) << ran.shown();
  EXPECT_EQ(ran.parsed().at("trace_id"), id);
  auto trace = trace_in(user.troupe({"trace", id, "--json"}).parsed());
  int below = 0;
  for (const auto& span : trace.spans)
    below += span.parent == "b7ad6b7169203331";
  EXPECT_EQ(below, 1);
}

TEST_F(sight, otlp_brings_every_span_to_a_collector) {
  otlp_receiver collector;
  cluster three{user, {.environment = {{"TROUPE_TELEMETRY_OTLP_ENDPOINT", collector.endpoint()}}}};
  auto kept = trace_of_digest();
  ASSERT_TRUE(collector.wait_for_spans(kept.spans.size(), 20s));
  EXPECT_EQ(three.stop().code, 0);
  auto got = collector.accepted();
  EXPECT_THAT(got.problems, IsEmpty());
  EXPECT_THAT(got.spans, SizeIs(kept.spans.size()));
  std::set<std::string> ids, instances;
  std::vector<std::string> roots;
  int of_client = 0;
  for (const auto& span : got.spans) {
    EXPECT_EQ(span.trace_id, kept.id);
    EXPECT_GT(span.end_time_unix_nano, span.start_time_unix_nano) << span.name;
    if (span.resource.at("service.name") == decoded_value{std::string{"troupe-cli"}}) {
      ++of_client;
    } else {
      EXPECT_EQ(span.resource.at("service.name"), decoded_value{std::string{"troupe"}});
      instances.insert(std::get<std::string>(span.resource.at("service.instance.id")));
    }
    ids.insert(span.span_id);
    if (span.parent_span_id.empty())
      roots.push_back(span.name);
  }
  EXPECT_THAT(roots, ::testing::ElementsAre("troupe run digest"));
  EXPECT_EQ(of_client, 4) << "the command, connect, upload, wait";
  EXPECT_THAT(ids, SizeIs(got.spans.size()));
  EXPECT_THAT(instances, SizeIs(3));
  for (const auto& span : got.spans) {
    EXPECT_TRUE(span.parent_span_id.empty() || ids.contains(span.parent_span_id)) << span.name;
  }
}

TEST_F(sight, a_collector_that_is_away_or_hangs_holds_nothing_up) {
  otlp_receiver hanging;
  otlp_receiver::answer never;
  never.how = otlp_receiver::manner::hang;
  hanging.answer_always(never);
  for (const auto& endpoint : {std::string{"http://127.0.0.1:1"}, hanging.endpoint()}) {
    cluster three{user, {.environment = {{"TROUPE_TELEMETRY_OTLP_ENDPOINT", endpoint}}}};
    EXPECT_THAT(orphans_of(trace_of_digest()), IsEmpty());
    EXPECT_EQ(three.stop().code, 0) << endpoint;
  }
}

TEST_F(sight, metrics_count_what_was_done) {
  cluster three{user};
  ASSERT_TRUE(user.troupe(digest(licences)).ok());
  double processed = 0;
  for (const auto& node : three.nodes()) {
    auto metrics = http_get("http://" + node.http_address + "/metrics");
    EXPECT_EQ(metrics.status, 200);
    EXPECT_THAT(metrics.content_type, StartsWith("text/plain; version=0.0.4"));
    for (const char* name : {"agent_tasks_processed_total", "agent_task_duration_seconds_bucket",
                             "llm_api_calls_total", "llm_tokens_total"})
      EXPECT_THAT(metrics.body, HasSubstr(name)) << node.name;
    std::istringstream lines{metrics.body};
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("agent_tasks_processed_total{"))
        processed += std::stod(line.substr(line.rfind(' ')));
  }
  auto status = user.troupe({"status", "--json"}).parsed();
  double done = 0;
  for (const auto& [name, node] : nodes_in(status))
    done += node.at("tasks_done").get<double>();
  EXPECT_EQ(processed, done);
}

TEST_F(sight, health_is_told_over_http) {
  cluster one{user, {.nodes = 1}};
  auto base = "http://" + one.nodes()[0].http_address;
  auto health = http_get(base + "/health");
  EXPECT_EQ(health.status, 200);
  EXPECT_TRUE(json::parse(health.body, nullptr, false).is_object()) << health.body;
  EXPECT_EQ(http_get(base + "/nowhere").status, 404);
}

TEST_F(sight, logs_are_json_lines_with_trace_ids) {
  cluster three{user, {.environment = {{"TROUPE_TELEMETRY_LOG_LEVEL", "debug"}}}};
  auto trace = trace_of_digest();
  EXPECT_EQ(three.stop().code, 0);
  std::size_t with_trace = 0;
  for (const auto& node : three.nodes()) {
    std::istringstream lines{read_file(user.data() / node.name / "log.jsonl")};
    for (std::string line; std::getline(lines, line);) {
      ASSERT_TRUE(json::parse(line, nullptr, false).is_object()) << node.name << ": " << line;
      with_trace += line.find(trace.id) != std::string::npos;
      EXPECT_EQ(line.find("must I do when I give"), std::string::npos) << "no prompts in logs";
    }
  }
  EXPECT_GE(with_trace, 1u);
}

} // namespace

} // namespace troupe::tests
