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

class in_jaeger : public e2e_test {
protected:
  void SetUp() override {
    if (server.missing.empty())
      return;
    const char* required = std::getenv("TROUPE_REQUIRE");
    if (required && std::string_view{required}.find("jaeger") != std::string_view::npos)
      FAIL() << "TROUPE_REQUIRE=jaeger, but there is none: " << server.missing;
    GTEST_SKIP() << server.missing;
  }

  cluster_options seen(variables more = {}, int nodes = 3) const {
    more.emplace_back("TROUPE_TELEMETRY_OTLP_ENDPOINT", server.otlp);
    return {.nodes = nodes, .arguments = {}, .environment = std::move(more)};
  }

  /// A folder of short documents.
  std::filesystem::path folder_of(int count) const {
    auto folder = user.path() / ("documents-" + std::to_string(count));
    for (int i = 0; i < count; ++i)
      write_file(folder / (std::to_string(i) + ".txt"),
                 "Whoever gives the program to others must give them its source too.\n");
    return folder;
  }

  /// The id of the trace that a command of this test has: it gives the parent from outside, or
  /// `troupe trace last` tells.
  std::string last_trace() const {
    return trace_in(user.troupe({"trace", "last", "--json"}).parsed()).id;
  }

  /// Once the command's span is there: it is the last to be made.
  jaeger_trace found(const std::string& id, std::size_t spans = 2) const {
    auto trace = trace_from(server, id, [&](const jaeger_trace& now) {
      return now.spans.size() >= spans
             && std::any_of(now.spans.begin(), now.spans.end(), [](const jaeger_span& span) {
                  return span.name.starts_with("troupe run")
                         || span.name.starts_with("troupe send");
                });
    });
    EXPECT_THAT(trace.spans, ::testing::Not(IsEmpty())) << "Jaeger has nothing of " << id;
    return trace;
  }

  /// Starts a run and waits until a task of it runs on another node than node-1, its owner; that
  /// node's name.
  std::string start_run(const cluster& three, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--peer", three.node("node-1").address});
    running = std::make_unique<process>(user.start(std::move(arguments)));
    std::string busy;
    await_status(user, [&](const json& status) {
      for (const auto& [name, node] : nodes_in(status))
        if (name != "node-1" && node.at("tasks_running") > 0)
          busy = name;
      return !busy.empty();
    });
    return busy;
  }

  exit_state end_of_run() {
    auto ended = running->wait(120s);
    running->wait_for_closed_output(10s);
    return ended.value_or(exit_state{});
  }

  jaeger server{user};
  std::unique_ptr<process> running;
};

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

TEST_F(in_jaeger, a_worker_that_is_killed_leaves_marked_attempts_that_are_joined) {
  cluster three{user, seen({{"TROUPE_MODELS_OFFLINE_DELAY", "200ms"}})};
  auto victim = three.node(start_run(three, digest(folder_of(90))));
  ::kill(victim.pid, SIGKILL);
  ASSERT_EQ(end_of_run().code, 0) << running->errors();
  auto trace = found(last_trace(), 200);
  expect_sound(trace);
  const auto& root = trace.one("invoke_workflow digest");
  EXPECT_FALSE(root.failed()) << "the run went well in the end";
  std::map<std::string, std::string> lost; // ids, by task
  for (const auto& span : trace.named("task read"))
    if (span.tag("troupe.task.outcome") == "lost") {
      EXPECT_EQ(span.tag("error.type"), "unavailable");
      EXPECT_EQ(span.tag("troupe.task.node"), victim.name);
      lost[span.tag("troupe.task.id")] = span.id;
    }
  ASSERT_THAT(lost, ::testing::Not(IsEmpty()));
  std::size_t joined = 0;
  for (const auto& span : trace.named("task read"))
    if (span.tag("troupe.task.attempt") == 2) {
      EXPECT_THAT(span.links, ::testing::ElementsAre(lost[span.tag("troupe.task.id")]));
      ++joined;
    }
  EXPECT_EQ(joined, lost.size());
  EXPECT_EQ(root.tag("troupe.tasks.retried"), joined);
  auto retries = root.events_named("retry");
  ASSERT_THAT(retries, SizeIs(joined));
  for (const auto& event : retries) {
    EXPECT_EQ(event.at("troupe.retry.reason"), "unavailable");
    EXPECT_EQ(event.at("troupe.retry.from_node"), victim.name);
    EXPECT_TRUE(event.contains("troupe.retry.delay_ms"));
  }
  three.await_restart(victim.name, victim.pid);
}

TEST_F(in_jaeger, an_owner_that_is_killed_leaves_its_run_and_tasks) {
  cluster three{user, seen({{"TROUPE_MODELS_OFFLINE_DELAY", "1500ms"}})};
  start_run(three, digest(folder_of(90)));
  auto owner = three.node("node-1");
  ::kill(owner.pid, SIGKILL);
  EXPECT_EQ(end_of_run().code, 75) << running->errors();
  three.await_restart("node-1", owner.pid);
  auto trace = found(last_trace());
  trace = trace_from(server, trace.id, [](const jaeger_trace& now) {
    return !now.named("task read").empty() && !now.named("invoke_workflow digest").empty();
  });
  expect_sound(trace);
  const auto& root = trace.one("invoke_workflow digest");
  EXPECT_EQ(root.service, "troupe-cli") << "the client knew of it";
  EXPECT_EQ(root.tag("troupe.written_for"), "node-1");
  EXPECT_TRUE(root.failed());
  EXPECT_EQ(root.tag("error.type"), "unavailable");
  EXPECT_FALSE(root.tag("troupe.run.id").is_null());
  EXPECT_EQ(trace.one("troupe run digest").tag("process.exit.code"), 75);
  for (const auto& task : trace.named("task read"))
    EXPECT_EQ(task.tag("troupe.written_for").is_null(), task.tag("troupe.task.outcome") == "done")
        << task.tag("troupe.task.id");
}

TEST_F(in_jaeger, a_run_says_who_cancelled_it) {
  cluster three{user, seen({{"TROUPE_MODELS_OFFLINE_DELAY", "1500ms"}})};
  auto expect_cancelled = [&](const char* reason, const char* words, const char* error) {
    auto trace = found(last_trace());
    expect_sound(trace);
    const auto& root = trace.one("invoke_workflow digest");
    EXPECT_TRUE(root.failed());
    EXPECT_EQ(root.tag("error.type"), "cancelled");
    EXPECT_EQ(root.tag("troupe.cancel.reason"), reason);
    EXPECT_THAT(root.tag("otel.status_description").get<std::string>(), HasSubstr(words));
    EXPECT_EQ(trace.one("troupe run digest").tag("error.type"), error);
    EXPECT_EQ(trace.one("troupe run digest").tag("troupe.cancel.reason"), reason);
    int cancelled = 0;
    for (const auto& task : trace.named("task read")) {
      EXPECT_FALSE(task.failed()) << "a wish is no error of a task";
      cancelled += task.tag("troupe.task.outcome") == "cancelled";
    }
    EXPECT_GT(cancelled, 0);
  };
  start_run(three, digest(folder_of(90)));
  running->send_signal(SIGINT);
  EXPECT_EQ(end_of_run().code, 130);
  expect_cancelled("interrupted", "interrupted", "cancelled");
  start_run(three, digest(folder_of(90), question, {"--timeout", "1s"}));
  EXPECT_EQ(end_of_run().code, 124);
  expect_cancelled("client_timeout", "time", "timed_out");
}

TEST_F(in_jaeger, a_bad_input_is_named_on_the_task_and_the_run) {
  cluster one{user, seen({}, 1)};
  write_file(user.path() / "bad.yaml", "graph: bad\n"
                                       "inputs: {text: {type: text, required: true}}\n"
                                       "tasks:\n"
                                       "  - id: ask\n"
                                       "    role: assistant\n"
                                       "    input: {text: $inputs.text}\n"
                                       "  - id: after\n"
                                       "    role: noop\n"
                                       "    input: {text: $ask}\n");
  auto ran = user.troupe({"run", (user.path() / "bad.yaml").string(), "--input", "text=x"});
  EXPECT_EQ(ran.ended.code, 1) << ran.shown();
  auto trace = found(last_trace());
  expect_sound(trace);
  const auto& task = trace.one("task ask");
  EXPECT_EQ(task.tag("error.type"), "invalid_argument");
  EXPECT_THAT(task.tag("otel.status_description").get<std::string>(), HasSubstr("question"));
  const auto& root = trace.one("invoke_workflow bad");
  EXPECT_EQ(root.tag("error.type"), "task_failed");
  EXPECT_EQ(root.tag("troupe.tasks.failed"), 1);
  EXPECT_EQ(root.tag("troupe.tasks.not_run"), 1);
  ASSERT_THAT(root.events_named("not_run"), SizeIs(1));
  EXPECT_EQ(root.events_named("not_run")[0].at("troupe.task.id"), "after");
  EXPECT_THAT(root.events_named("log"), SizeIs(1)) << "what the log says of the run";
}

TEST_F(in_jaeger, a_message_to_a_node_that_is_down_has_a_trace) {
  cluster three{user, seen({{"TROUPE_CLUSTER_NAME", "default"}})};
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
    auto trace = found(id);
    expect_sound(trace, "b7ad6b7169203331");
    EXPECT_FALSE(trace.one("invoke_agent librarian").failed());
    EXPECT_EQ(trace.one("chat offline").tag("gen_ai.agent.name"), "librarian");
  }
}

TEST_F(in_jaeger, a_parent_from_outside_is_the_parent_of_the_command) {
  cluster one{user, seen({}, 1)};
  const std::string id = "0af7651916cd43dd8448eb211c80319c", parent = "b7ad6b7169203331";
  ASSERT_TRUE(
      user.troupe(digest(documents()), {{"TRACEPARENT", "00-" + id + "-" + parent + "-01"}}).ok());
  auto trace = found(id);
  expect_sound(trace, parent);
  EXPECT_EQ(trace.one("troupe run digest").parent, parent);
}

TEST_F(in_jaeger, a_tenth_of_the_traces_is_whole_and_nothing_is_left_of_the_others) {
  cluster three{user, seen({{"TROUPE_TELEMETRY_SAMPLE_RATIO", "0.1"}})};
  constexpr int messages = 40;
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
  EXPECT_LT(taken, messages / 2) << "4 are expected; 20 come once in 10^9 times";
}

} // namespace

} // namespace troupe::testing
