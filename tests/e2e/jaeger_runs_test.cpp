#include "tests/e2e/jaeger.hpp"

#include <csignal>

/// What a person finds in a real Jaeger of runs that do not go well.
namespace troupe::tests {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A model's call takes long enough to kill a node in the middle of it.
const variables slow_and_told{{"TROUPE_MODELS_OFFLINE_DELAY", "1500ms"},
                              {"TROUPE_TELEMETRY_LOG_LEVEL", "debug"}};

TEST_F(in_jaeger, a_worker_that_is_killed_leaves_marked_attempts_that_are_joined) {
  cluster three{user, seen(slow_and_told)};
  auto victim = three.node(start_run(three, digest(short_documents(90))));
  auto run = await_work_of(three, victim.name); // what Jaeger has must not stay without a parent
  ::kill(victim.pid, SIGKILL);
  ASSERT_EQ(end_of_run().code, 0) << running->errors();
  auto trace = found(run, 200);
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
  cluster three{user, seen(slow_and_told)};
  start_run(three, digest(short_documents(90), question, {"--durability", "off"}));
  auto owner = three.node("node-1");
  auto run = await_work_of(three, owner.name);
  ::kill(owner.pid, SIGKILL);
  EXPECT_EQ(end_of_run().code, 75) << running->errors();
  three.await_restart("node-1", owner.pid);
  auto trace = found(run);
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
  EXPECT_GE(root.tag("troupe.tasks"), 90) << "what the owner had told of it";
  auto why = root.tag("otel.status_description").get<std::string>();
  EXPECT_THAT(why, ::testing::StartsWith("the run was lost with the connection to node-1, which "
                                         "owned it"));
  EXPECT_THAT(why, ::testing::EndsWith("; start the run again"));
  EXPECT_THAT(why, ::testing::Not(HasSubstr("look before"))) << "it cannot go on";
  EXPECT_EQ(trace.one("troupe run digest").tag("process.exit.code"), 75);
  int lost = 0;
  for (const auto& task : trace.named("task read"))
    if (task.tag("troupe.task.outcome") == "lost") {
      EXPECT_EQ(task.tag("error.type"), "unavailable");
      EXPECT_NE(task.tag("troupe.node.name"), "node-1") << "who worked on it wrote it";
      ++lost;
    }
  EXPECT_GT(lost, 0);
}

TEST_F(in_jaeger, a_run_says_who_cancelled_it) {
  cluster three{user, seen(slow_and_told)};
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
    EXPECT_THAT(root.events_named("log"), IsEmpty()) << "a wish is no warning";
    int cancelled = 0;
    for (const auto& task : trace.named("task read")) {
      EXPECT_FALSE(task.failed()) << "a wish is no error of a task";
      cancelled += task.tag("troupe.task.outcome") == "cancelled";
    }
    EXPECT_GT(cancelled, 0);
  };
  start_run(three, digest(short_documents(90)));
  running->send_signal(SIGINT);
  EXPECT_EQ(end_of_run().code, 130);
  expect_cancelled("interrupted", "interrupted", "cancelled");
  start_run(three, digest(short_documents(90), question, {"--timeout", "1s"}));
  EXPECT_EQ(end_of_run().code, 124);
  expect_cancelled("client_timeout", "time", "timed_out");
}

TEST_F(in_jaeger, an_owner_that_is_killed_once_its_root_is_there_takes_nothing_of_the_run_along) {
  cluster three{user, seen()};
  const auto& owner = three.node("node-1");
  auto ran = user.troupe(digest(short_documents(20), question, {"--json", "--peer", owner.address}),
                         {{"TROUPE_TELEMETRY_OTLP_ENDPOINT", server.otlp}});
  ASSERT_TRUE(ran.ok()) << ran.shown();
  auto has_root = [](const jaeger_trace& now) {
    return !now.named("invoke_workflow digest").empty();
  };
  trace_from(server, ran.parsed().at("trace_id"), has_root);
  ::kill(owner.pid, SIGKILL);
  auto trace = trace_from(server, ran.parsed().at("trace_id"),
                          [&](const jaeger_trace& now) { return has_root(now) && now.joined(); });
  expect_sound(trace);
  EXPECT_FALSE(trace.one("invoke_workflow digest").failed());
  EXPECT_FALSE(trace.one("troupe.door RunSubmit").failed());
}

TEST_F(in_jaeger, a_client_that_is_killed_leaves_a_whole_trace) {
  cluster three{user, seen({{"TROUPE_MODELS_OFFLINE_DELAY", "60s"}})};
  start_run(three, digest(short_documents(90), question, {"--durability", "off"}));
  running->send_signal(SIGKILL);
  EXPECT_EQ(end_of_run().signal, SIGKILL);
  await_status(user, [](const json& status) {
    for (const auto& [name, node] : nodes_in(status))
      if (!node.at("runs").empty())
        return false;
    return true;
  });
  auto id = last_trace();
  auto trace = trace_from(server, id, [](const jaeger_trace& now) {
    return !now.named("troupe").empty() && now.joined();
  });
  expect_sound(trace);
  EXPECT_EQ(trace.one("troupe").tag("troupe.written_for"), "troupe-cli");
  EXPECT_EQ(trace.one("troupe").service, "troupe-cli");
  EXPECT_EQ(trace.one("invoke_workflow digest").tag("troupe.cancel.reason"), "client_gone");
}

TEST_F(in_jaeger, a_door_that_is_killed_is_written_by_the_client_that_comes_back) {
  cluster three{
      user, seen({{"TROUPE_MODELS_OFFLINE_DELAY", "3s"}, {"TROUPE_TELEMETRY_LOG_LEVEL", "debug"}})};
  std::string agent;
  for (int i = 0; agent.empty() || home_name(three, agent) != "node-2"; ++i)
    agent = "librarian/k" + std::to_string(i);
  ASSERT_TRUE(user.troupe({"send", agent, "Remember: Geese fly south."}).ok());
  const auto& door = three.node("node-1");
  auto asking = user.start({"send", agent, "Where do geese fly?", "--peer", door.address});
  ASSERT_TRUE(wait_for_line(user.data() / "node-2" / "log.jsonl", {"lets the call", agent}, 30s));
  ::kill(door.pid, SIGKILL);
  EXPECT_EQ(asking.wait(command_deadline)->code, 0) << asking.errors();
  auto trace = found(last_trace(), 7);
  expect_sound(trace);
  auto doors = trace.named("troupe.door AgentMessage");
  auto lost = std::find_if(doors.begin(), doors.end(), [](const jaeger_span& one) {
    return one.tag("troupe.written_for") == "node-1";
  });
  ASSERT_NE(lost, doors.end());
  EXPECT_EQ(trace.one("invoke_agent librarian").parent, lost->id);
}

TEST_F(in_jaeger, a_message_that_is_interrupted_ends_before_its_command) {
  cluster one{
      user,
      seen({{"TROUPE_MODELS_OFFLINE_DELAY", "60s"}, {"TROUPE_TELEMETRY_LOG_LEVEL", "debug"}}, 1)};
  ASSERT_TRUE(user.troupe({"send", "librarian/me", "Remember: Geese fly south."}).ok());
  auto asking = user.start({"send", "librarian/me", "Where do geese fly?"});
  ASSERT_TRUE(
      wait_for_line(user.data() / "node-1" / "log.jsonl", {"lets the call", "librarian/me"}, 30s));
  asking.send_signal(SIGINT);
  EXPECT_EQ(asking.wait(command_deadline)->code, 130);
  asking.wait_for_closed_output(10s);
  EXPECT_THAT(asking.errors(), HasSubstr("librarian/me has given it up"));
  auto trace = found(last_trace(), 6);
  expect_sound(trace);
  EXPECT_EQ(trace.one("troupe send librarian").tag("troupe.cancel.reason"), "interrupted");
  for (auto name : {"troupe.door AgentMessage", "invoke_agent librarian", "chat offline"})
    EXPECT_EQ(trace.one(name).tag("error.type"), "cancelled") << name;
}

TEST_F(in_jaeger, a_bad_input_is_named_on_the_task_and_the_run) {
  cluster one{user, seen({}, 1)};
  write_file(user.path() / "bad.yaml", "graph: bad\n"
                                       "inputs: {text: {type: text, required: true}}\n"
                                       "tasks:\n"
                                       "  - id: ask\n"
                                       "    role: reader\n"
                                       "    input: {question: $inputs.text}\n"
                                       "  - id: after\n"
                                       "    role: noop\n"
                                       "    input: {text: $tasks.ask}\n");
  auto ran = user.troupe({"run", (user.path() / "bad.yaml").string(), "--input", "text=x"});
  EXPECT_EQ(ran.ended.code, 1) << ran.shown();
  auto trace = found(last_trace());
  expect_sound(trace);
  const auto& task = trace.one("task ask");
  EXPECT_EQ(task.tag("error.type"), "invalid_argument");
  EXPECT_THAT(task.tag("otel.status_description").get<std::string>(), HasSubstr("document"));
  const auto& root = trace.one("invoke_workflow bad");
  EXPECT_EQ(root.tag("error.type"), "task_failed");
  EXPECT_EQ(root.tag("troupe.tasks.failed"), 1);
  EXPECT_EQ(root.tag("troupe.tasks.not_run"), 1);
  ASSERT_THAT(root.events_named("not_run"), SizeIs(1));
  EXPECT_EQ(root.events_named("not_run")[0].at("troupe.task.id"), "after");
  EXPECT_THAT(root.events_named("log"), SizeIs(1)) << "what the log says of the run";
}

} // namespace

} // namespace troupe::tests
