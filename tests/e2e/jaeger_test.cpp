#include "tests/e2e/jaeger.hpp"

#include "telemetry/trace_sampler.hpp"

#include <csignal>

/// What a person finds in a real Jaeger, read back by its query API, of runs and messages that go
/// well, and of those that do not.
namespace troupe::tests {

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
    EXPECT_FALSE(span.tag("troupe.node.name").is_null()) << span.name;
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

TEST_F(in_jaeger, a_trace_can_be_drawn) {
  cluster three{user, seen()};
  auto sent = user.troupe({"send", "librarian/ada", "Ada was born in 1815."});
  ASSERT_TRUE(sent.ok()) << sent.shown();
  auto trace = found(last_trace(), 6);
  auto draw = [&](const std::string& id) {
    return user.shell("python3 " TROUPE_SOURCE_DIR "/scripts/jaeger_picture.py " + server.query
                      + " " + id + " trace.svg && cat trace.svg");
  };
  auto drawn = draw(trace.id);
  ASSERT_TRUE(drawn.ok()) << drawn.shown();
  EXPECT_THAT(drawn.out, HasSubstr(std::to_string(trace.spans.size()) + " spans in "));
  for (const auto& span : trace.spans)
    EXPECT_THAT(drawn.out, HasSubstr(">" + span.name)) << "each span has a row";
  auto unknown = draw(std::string(32, '1'));
  EXPECT_EQ(unknown.ended.code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("does not know the trace 1111"));
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
  EXPECT_EQ(root.tag("error.type"), "unavailable");
  EXPECT_THAT(root.tag("otel.status_description").get<std::string>(),
              AllOf(HasSubstr(agent), HasSubstr("node-3")));
  EXPECT_THAT(trace.named("troupe.door AgentMessage"), ::testing::Not(IsEmpty()));
}

TEST_F(in_jaeger, two_messages_to_one_agent_have_a_trace_each) {
  cluster one{user, seen({{"TROUPE_MODELS_OFFLINE_DELAY", "2s"}}, 1)};
  ASSERT_TRUE(user.troupe({"send", "librarian/zed", "Remember: Geese fly south."}).ok());
  std::vector<std::string> ids{new_trace_id(), new_trace_id()};
  std::vector<process> both;
  for (const auto& id : ids)
    both.push_back(user.start({"send", "librarian/zed", "Where do geese fly?"},
                              {{"TRACEPARENT", "00-" + id + "-b7ad6b7169203331-01"}}));
  for (auto& each : both)
    EXPECT_EQ(each.wait(command_deadline)->code, 0) << each.errors();
  std::vector<jaeger_span> agents;
  for (const auto& id : ids) {
    export_caller(server, *parse_id128<trace_id>(id), {0xb7ad6b7169203331});
    auto trace = found(id, 7);
    expect_sound(trace);
    agents.push_back(trace.one("invoke_agent librarian"));
    EXPECT_FALSE(agents.back().failed());
    EXPECT_EQ(trace.one("chat offline").tag("gen_ai.agent.name"), "librarian");
  }
  if (agents[1].start_us < agents[0].start_us)
    std::swap(agents[0], agents[1]);
  ASSERT_LT(agents[1].start_us, agents[0].end_us) << "the second came while the first was answered";
  auto began = [](const jaeger_span& agent) {
    auto started = agent.events_named("started");
    EXPECT_THAT(started, SizeIs(1));
    return started.empty() ? 0 : started[0].at("at_us").get<std::int64_t>();
  };
  EXPECT_GE(began(agents[1]) + 1, agents[0].end_us) << "it was one message's turn at a time";
  auto waited = [&](const jaeger_span& agent) {
    double ms = agent.tag("troupe.agent.wait_ms");
    EXPECT_NEAR(ms, static_cast<double>(began(agent) - agent.start_us) / 1000, 0.01);
    return ms;
  };
  EXPECT_GT(waited(agents[1]), waited(agents[0])) << "the second waited for the first";
}

TEST_F(in_jaeger, a_parent_from_outside_is_the_parent_of_the_command) {
  cluster one{user, seen({}, 1)};
  const std::string id = new_trace_id(), parent = "b7ad6b7169203331";
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
  // Ids are random, but the id alone decides, so it is known which of them are taken.
  const trace_sampler tenth{0.1};
  constexpr int messages_max = 400; // fewer than three of so many are taken once in 10^15 times
  int taken = 0, left_out = 0;
  for (int i = 0; i < messages_max && (taken < 3 || left_out < 3); ++i) {
    auto sent = user.troupe({"send", "librarian/" + std::to_string(i), "hello", "--json"});
    ASSERT_TRUE(sent.ok()) << sent.shown();
    std::string id = sent.parsed().at("trace_id");
    trace_context decided{*parse_id128<trace_id>(id), {}, trace_context::flag_undecided};
    tenth.decide(decided);
    if (decided.sampled()) {
      ++taken;
      expect_sound(found(id, 4));
    } else {
      ++left_out;
      EXPECT_NE(user.troupe({"trace", id}).ended.code, 0) << id;
      EXPECT_EQ(http_get(server.query + "/api/traces/" + id).status, 404) << id;
    }
  }
  EXPECT_GE(taken, 3);
  EXPECT_GE(left_out, 3);
}

} // namespace

} // namespace troupe::tests
