#include "tests/e2e/jaeger.hpp"

#include <csignal>

/// What a person finds in a real Jaeger, read back by its query API, of runs and messages that go
/// well, and of those that do not.
namespace troupe::testing {

namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(in_jaeger, the_demo_is_one_whole_trace_from_three_instances) {
  cluster three{user, seen({{"TROUPE_TELEMETRY_SERVICE_NAME", "troupe/{node}"}})};
  auto ran = user.troupe(digest(licences));
  ASSERT_TRUE(ran.ok()) << ran.shown();
  auto kept = trace_in(user.troupe({"trace", "last", "--json"}).parsed());
  auto trace = found(kept.id, kept.spans.size());
  expect_sound(trace);
  std::map<std::string, std::string> expected, got;
  for (const auto& span : kept.spans)
    expected[span.id] = span.parent + " " + span.name;
  for (const auto& span : trace.spans)
    got[span.id] = span.parent + " " + span.name;
  EXPECT_EQ(got, expected) << "all spans are there, each with its name and parent";
  std::set<std::string> services;
  for (const auto& span : trace.spans) {
    services.insert(span.service);
    EXPECT_EQ(span.service == "troupe-cli", span.tag("troupe.node.name").is_null()) << span.name;
    EXPECT_TRUE(span.process_tags.contains("process.pid"));
    EXPECT_FALSE(span.failed()) << span.name;
  }
  EXPECT_THAT(services, ::testing::ElementsAre("troupe-cli", "troupe/node-1", "troupe/node-2",
                                               "troupe/node-3"));
  const auto& root = trace.one("invoke_workflow digest");
  EXPECT_GT(root.tag("gen_ai.usage.input_tokens").get<int>(), 0);
  EXPECT_EQ(trace.one("troupe run digest").tag("process.exit.code"), 0);
  EXPECT_EQ(trace.one("troupe.door RunSubmit").tag("span.kind"), "server");
}

TEST_F(in_jaeger, a_message_to_a_node_that_is_down_has_a_trace) {
  cluster three{user, seen()};
  std::string agent;
  for (int i = 0; agent.empty() || home_name(three, agent) != "node-3"; ++i)
    agent = "librarian/k" + std::to_string(i);
  three.up().send_signal(SIGSTOP); // it starts no node anew
  ::kill(three.node("node-3").pid, SIGKILL);
  await_status(
      user, [](const json& status) { return nodes_in(status).at("node-3").at("state") != "up"; });
  auto sent = user.troupe({"send", agent, "hello", "--timeout", "2s"});
  three.up().send_signal(SIGCONT);
  EXPECT_NE(sent.ended.code, 0) << sent.shown();
  auto trace = found(last_trace());
  expect_sound(trace);
  const auto& root = trace.one("troupe send librarian");
  EXPECT_TRUE(root.failed());
  EXPECT_EQ(root.service, "troupe-cli");
  EXPECT_EQ(root.tag("gen_ai.agent.id"), agent);
  EXPECT_EQ(root.tag("process.exit.code"), sent.ended.code);
  EXPECT_THAT(trace.named("troupe.door AgentMessage"), ::testing::Not(IsEmpty()));
}

TEST_F(in_jaeger, two_messages_to_one_agent_have_a_trace_each) {
  cluster one{user, seen({{"TROUPE_MODELS_OFFLINE_DELAY", "300ms"}}, 1)};
  ASSERT_TRUE(user.troupe({"send", "librarian/zed", "Remember: Geese fly south."}).ok());
  std::vector<std::string> ids{"0af7651916cd43dd8448eb211c80319c",
                               "1bf7651916cd43dd8448eb211c80319c"};
  std::vector<process> both;
  for (const auto& id : ids)
    both.push_back(user.start({"send", "librarian/zed", "Where do geese fly?"},
                              {{"TRACEPARENT", "00-" + id + "-b7ad6b7169203331-01"}}));
  for (auto& each : both)
    EXPECT_EQ(each.wait(command_deadline)->code, 0) << each.errors();
  for (const auto& id : ids) {
    export_caller(server, *parse_id128<trace_id>(id), {0xb7ad6b7169203331});
    auto trace = found(id, 7);
    expect_sound(trace);
    EXPECT_FALSE(trace.one("invoke_agent librarian").failed());
    EXPECT_EQ(trace.one("chat offline").tag("gen_ai.agent.name"), "librarian");
  }
}

TEST_F(in_jaeger, a_parent_from_outside_is_the_parent_of_the_command) {
  cluster one{user, seen({}, 1)};
  const std::string id = "0af7651916cd43dd8448eb211c80319c", parent = "b7ad6b7169203331";
  ASSERT_TRUE(
      user.troupe(digest(documents()), {{"TRACEPARENT", "00-" + id + "-" + parent + "-01"}}).ok());
  export_caller(server, *parse_id128<trace_id>(id), {0xb7ad6b7169203331});
  auto trace = found(id, 20);
  expect_sound(trace);
  EXPECT_EQ(trace.one(caller_name).id, parent);
  EXPECT_EQ(trace.one("troupe run digest").parent, parent);
}

TEST_F(in_jaeger, a_tenth_of_the_traces_is_whole_and_nothing_is_left_of_the_others) {
  cluster three{user, seen({{"TROUPE_TELEMETRY_SAMPLE_RATIO", "0.1"}})};
  constexpr int messages = 25;
  int taken = 0;
  for (int i = 0; i < messages; ++i) {
    auto sent = user.troupe({"send", "librarian/" + std::to_string(i), "hello", "--json"});
    ASSERT_TRUE(sent.ok()) << sent.shown();
    std::string id = sent.parsed().at("trace_id");
    if (user.troupe({"trace", id}).ended.code != 0) {
      EXPECT_EQ(http_get(server.query + "/api/traces/" + id).status, 404) << id;
      continue;
    }
    ++taken;
    expect_sound(found(id, 4));
  }
  EXPECT_LT(taken, messages / 2) << "2 or 3 are expected";
}

} // namespace

} // namespace troupe::testing
