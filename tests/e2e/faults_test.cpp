#include "tests/e2e/e2e.hpp"

#include <csignal>

/// Nodes that die or stop answering in the middle of the main job.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Long enough for a test to see a running task and to end its node before the result.
constexpr const char* model_delay = "1500ms";

class faults : public e2e_test {
protected:
  cluster_options slow_models() const {
    return {.environment = {{"TROUPE_MODELS_OFFLINE_DELAY", model_delay}}};
  }

  /// The report of a run without faults.
  std::string report_without_faults() {
    auto ran = user.troupe(digest(licences));
    EXPECT_TRUE(ran.ok()) << ran.shown();
    return ran.out;
  }

  /// Starts digest on node-1 and waits until a task runs on another node. Returns that node's name.
  std::string start_digest(const cluster& three, const std::string& durability = "sync") {
    running = std::make_unique<process>(user.start(digest(
        licences, question, {"--peer", three.node("node-1").address, "--durability", durability})));
    std::string found;
    await_status(user, [&](const json& status) {
      for (const auto& [name, node] : nodes_in(status))
        if (name != "node-1" && node.at("tasks_running") > 0)
          found = name;
      return !found.empty();
    });
    return found;
  }

  exit_state end_of_digest() {
    auto ended = running->wait(120s);
    running->wait_for_closed_output(10s);
    return ended.value_or(exit_state{});
  }

  /// How many tasks of the last run were tried more than once, according to its trace.
  int repeated_tasks() const {
    auto told = user.troupe({"trace", "last", "--json"});
    EXPECT_TRUE(told.ok()) << told.shown();
    int repeated = 0;
    for (const auto& span : trace_in(told.parsed()).spans)
      repeated += span.name.starts_with("task ") && span.attributes.at("troupe.task.attempt") == 2;
    return repeated;
  }

  std::unique_ptr<process> running;
};

TEST_F(faults, a_worker_that_is_killed_changes_nothing_in_the_report) {
  cluster three{user, slow_models()};
  auto expected = report_without_faults();
  EXPECT_EQ(repeated_tasks(), 0);

  auto victim = three.node(start_digest(three));
  ::kill(victim.pid, SIGKILL);
  EXPECT_EQ(end_of_digest().code, 0) << running->errors();
  EXPECT_EQ(running->output(), expected);
  EXPECT_GE(repeated_tasks(), 1) << "the killed node's tasks were tried a second time";
  three.await_restart(victim.name, victim.pid);
}

TEST_F(faults, a_worker_that_falls_silent_changes_nothing_in_the_report) {
  cluster three{user, slow_models()};
  auto expected = report_without_faults();
  auto victim = three.node(start_digest(three));
  ::kill(victim.pid, SIGSTOP);
  EXPECT_EQ(end_of_digest().code, 0) << running->errors();
  EXPECT_EQ(running->output(), expected);
  ::kill(victim.pid, SIGCONT);
  await_status(user, [&](const json& status) {
    return nodes_in(status).at(victim.name).at("state") == "up";
  });
  EXPECT_GE(repeated_tasks(), 1);
}

TEST_F(faults, the_owner_of_a_run_that_is_not_durable_ends_it_with_75_if_it_is_killed) {
  cluster three{user, slow_models()};
  start_digest(three, "off");
  auto owner = three.node("node-1");
  ::kill(owner.pid, SIGKILL);
  EXPECT_EQ(end_of_digest().code, 75) << running->errors();
  EXPECT_THAT(running->errors(), AllOf(HasSubstr("node-1"), HasSubstr("again")));
  EXPECT_THAT(running->output(), IsEmpty());
  three.await_restart("node-1", owner.pid);
  auto repeated = user.troupe(digest(documents()));
  EXPECT_TRUE(repeated.ok()) << "the same command works again: " << repeated.shown();
}

TEST_F(faults, a_client_that_is_interrupted_takes_its_tasks_with_it) {
  cluster three{user, slow_models()};
  start_digest(three);
  EXPECT_THAT(user.troupe({"status"}).out, HasSubstr(" digest on node-1: 0/"));
  running->send_signal(SIGINT);
  EXPECT_EQ(end_of_digest().code, 130) << running->errors();
  await_status(user, [](const json& status) {
    for (const auto& [name, node] : nodes_in(status))
      if (node.at("tasks_running") != 0 || node.at("queue_length") != 0 || !node.at("runs").empty())
        return false;
    return true;
  });
}

TEST_F(faults, a_client_that_is_killed_takes_its_tasks_with_it_unless_they_are_durable) {
  cluster three{user, slow_models()};
  start_digest(three, "off");
  running->send_signal(SIGKILL);
  EXPECT_EQ(end_of_digest().signal, SIGKILL);
  await_status(user, [](const json& status) {
    for (const auto& [name, node] : nodes_in(status))
      if (node.at("tasks_running") != 0 || node.at("queue_length") != 0)
        return false;
    return true;
  });
}

TEST_F(faults, a_task_that_fails_each_time_fails_the_run_by_name) {
  cluster three{user, slow_models()};
  write_file(user.path() / "short.yaml", "graph: short\n"
                                         "inputs:\n"
                                         "  file: {type: file, required: true}\n"
                                         "tasks:\n"
                                         "  - id: hasty\n"
                                         "    role: reader\n"
                                         "    input: {document: $inputs.file, question: why}\n"
                                         "    attempts: 2\n"
                                         "    limits: {time: 50ms}\n"
                                         "result: $tasks.hasty\n");
  std::vector<std::string> command{"run", "./short.yaml", "--input",
                                   "file=" + (documents() / "alpha.txt").string()};
  auto ran = user.troupe(command);
  EXPECT_EQ(ran.ended.code, 1) << ran.shown();
  EXPECT_THAT(ran.err, HasSubstr("hasty"));
  command.push_back("--json");
  auto told = user.troupe(command);
  EXPECT_EQ(told.ended.code, 1) << told.shown();
  auto run = told.parsed();
  EXPECT_EQ(run.at("ok"), false);
  EXPECT_EQ(run.at("tasks").at(0).at("attempts"), 2);
}

TEST_F(faults, nodes_that_die_one_after_the_other_lose_no_run) {
  cluster three{user, slow_models()};
  auto expected = report_without_faults();
  for (const char* name : {"node-2", "node-3"}) {
    start_digest(three);
    auto before = three.node(name).pid;
    ::kill(before, SIGKILL);
    EXPECT_EQ(end_of_digest().code, 0) << running->errors();
    EXPECT_EQ(running->output(), expected);
    three.await_restart(name, before);
  }
}

} // namespace

} // namespace troupe::tests
