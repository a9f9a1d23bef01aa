#include "tests/e2e/jaeger.hpp"

#include <csignal>

/// What a person finds in a real Jaeger of runs that do not go well.
namespace troupe::testing {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(in_jaeger, a_worker_that_is_killed_leaves_marked_attempts_that_are_joined) {
  cluster three{user, seen({{"TROUPE_MODELS_OFFLINE_DELAY", "200ms"}})};
  auto victim = three.node(start_run(three, digest(short_documents(90))));
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
  start_run(three, digest(short_documents(90)));
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
  start_run(three, digest(short_documents(90)));
  running->send_signal(SIGINT);
  EXPECT_EQ(end_of_run().code, 130);
  expect_cancelled("interrupted", "interrupted", "cancelled");
  start_run(three, digest(short_documents(90), question, {"--timeout", "1s"}));
  EXPECT_EQ(end_of_run().code, 124);
  expect_cancelled("client_timeout", "time", "timed_out");
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

} // namespace troupe::testing
