#include "tests/e2e/e2e.hpp"

#include <csignal>

/// Runs that outlive their clients and their owners, and the commands for them.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr int exit_run_left = 75;

class durable_runs : public e2e_test {
protected:
  /// Long enough for a test to see a running task and to end what it wants to end.
  cluster_options slow_models(int nodes = 3) const {
    return {.nodes = nodes,
            .environment = {{"TROUPE_MODELS_OFFLINE_DELAY", "1500ms"},
                            {"TROUPE_RUNS_DURABILITY", "sync"}}};
  }
  std::vector<std::string> question_of(std::vector<std::string> more = {}) const {
    return digest(documents(), question, std::move(more));
  }
  /// What a run prints that nothing disturbs.
  std::string undisturbed() {
    auto ran = user.troupe(question_of({"--durability", "off"}));
    EXPECT_TRUE(ran.ok()) << ran.shown();
    return ran.out;
  }
  /// Starts a run that the node owns, and waits until some of its tasks are at work.
  std::unique_ptr<process> start_on(const running_node& owner, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--peer", owner.address});
    auto started = std::make_unique<process>(user.start(question_of(std::move(more))));
    await_work();
    return started;
  }
  void await_work() const {
    await_status(user, [](const json& status) {
      for (const auto& [name, node] : nodes_in(status))
        if (node.at("tasks_running") > 0)
          return true;
      return false;
    });
  }
  void await_no_work() const {
    await_status(user, [](const json& status) {
      for (const auto& [name, node] : nodes_in(status))
        if (node.at("tasks_running") != 0 || node.at("queue_length") != 0)
          return false;
      return true;
    });
  }
  /// Submits a run and does not wait for it. Its id.
  std::string detached(std::vector<std::string> more = {}) {
    more.push_back("--detach");
    auto told = user.troupe(question_of(std::move(more)));
    EXPECT_TRUE(told.ok()) << told.shown();
    EXPECT_EQ(told.out.size(), 33u) << "the id alone: " << told.shown();
    return told.out.substr(0, told.out.find('\n'));
  }
  json shown(const std::string& run) {
    auto told = user.troupe({"runs", "show", run, "--json"});
    EXPECT_TRUE(told.ok()) << told.shown();
    return told.parsed();
  }
  static exit_state end_of(process& running) {
    auto ended = running.wait(120s);
    running.wait_for_closed_output(10s);
    return ended.value_or(exit_state{});
  }
};

TEST_F(durable_runs, go_on_when_their_owner_was_killed_and_is_back) {
  cluster three{user, slow_models()};
  auto expected = undisturbed();
  auto owner = three.node("node-1");
  auto running = start_on(owner);
  EXPECT_THAT(running->errors(), AllOf(HasSubstr("run "), HasSubstr(" on node-1, durable (sync)")));
  ::kill(owner.pid, SIGKILL);
  EXPECT_EQ(end_of(*running).code, 0) << running->errors();
  EXPECT_EQ(running->output(), expected);
  auto listed = user.troupe({"runs", "--json"});
  ASSERT_TRUE(listed.ok()) << listed.shown();
  auto run = listed.parsed().at("runs").at(0);
  EXPECT_EQ(run.at("state"), "succeeded");
  EXPECT_EQ(run.at("resumed"), 1);
}

TEST_F(durable_runs, go_on_when_all_nodes_were_killed_at_once) {
  cluster three{user, slow_models()};
  auto expected = undisturbed();
  auto running = start_on(three.node("node-2"));
  for (const auto& node : three.nodes())
    ::kill(node.pid, SIGKILL);
  EXPECT_EQ(end_of(*running).code, 0) << running->errors();
  EXPECT_EQ(running->output(), expected);
}

TEST_F(durable_runs, are_left_by_a_client_that_detaches_and_found_again) {
  cluster two{user, slow_models(2)};
  auto expected = undisturbed();
  auto run = detached();
  auto listed = user.troupe({"runs"});
  EXPECT_THAT(listed.out, AllOf(HasSubstr(run.substr(0, 8)), HasSubstr("running")))
      << listed.shown();
  EXPECT_THAT(user.troupe({"runs", "show", run.substr(0, 6)}).out, HasSubstr(run));
  for (auto again : {false, true}) {
    auto attached = user.troupe({"runs", "attach", run.substr(0, 8)});
    EXPECT_TRUE(attached.ok()) << again << attached.shown();
    EXPECT_EQ(attached.out, expected);
  }
  EXPECT_THAT(user.troupe({"runs", "--state", "succeeded"}).out, HasSubstr(run.substr(0, 8)));
  EXPECT_THAT(user.troupe({"runs", "--state", "running"}).out, HasSubstr("no durable runs"));
  auto file = user.path() / "report.md";
  auto written = user.troupe({"runs", "attach", run, "--output", file.string()});
  EXPECT_TRUE(written.ok()) << written.shown();
  EXPECT_EQ(read_file(file), expected);
}

TEST_F(durable_runs, are_not_touched_by_the_end_of_their_client) {
  cluster two{user, slow_models(2)};
  auto expected = undisturbed();
  for (auto signal : {SIGKILL, SIGTERM, SIGHUP}) {
    auto running = start_on(two.node("node-1"));
    running->send_signal(signal);
    auto ended = end_of(*running);
    auto listed = user.troupe({"runs", "--state", "running", "--json"}).parsed();
    ASSERT_EQ(listed.at("runs").size(), 1u) << listed;
    std::string run = listed.at("runs").at(0).at("run");
    if (signal != SIGKILL) {
      EXPECT_EQ(ended.code, exit_run_left) << running->errors();
      EXPECT_THAT(running->errors(), HasSubstr("troupe runs attach " + run));
      EXPECT_THAT(running->output(), IsEmpty());
    }
    auto attached = user.troupe({"runs", "attach", run});
    EXPECT_TRUE(attached.ok()) << attached.shown();
    EXPECT_EQ(attached.out, expected);
  }
}

TEST_F(durable_runs, are_cancelled_by_an_interrupt_where_nobody_can_be_asked) {
  cluster two{user, slow_models(2)};
  auto running = start_on(two.node("node-1"));
  running->send_signal(SIGINT);
  EXPECT_EQ(end_of(*running).code, 130) << running->errors();
  await_no_work();
  auto listed = user.troupe({"runs", "--json"}).parsed();
  EXPECT_EQ(listed.at("runs").at(0).at("state"), "cancelled");
}

TEST_F(durable_runs, are_left_on_a_terminal_unless_the_person_says_otherwise) {
  cluster two{user, slow_models(2)};
  auto folder = documents().string();
  // The terminal's input is at its end, so the question is answered by leaving.
  auto told = user.on_terminal(
      "(until $troupe runs --state running | grep -q digest; do :; done; kill -INT $$) &\n"
      "exec $troupe run digest --input dir="
      + folder + " --input question=why");
  EXPECT_EQ(told.ended.code, exit_run_left) << told.shown();
  EXPECT_THAT(told.out, AllOf(HasSubstr("Cancel the run (c)"), HasSubstr("troupe runs attach ")));
  auto listed = user.troupe({"runs", "--json"}).parsed();
  EXPECT_EQ(listed.at("runs").at(0).at("state"), "running");
}

TEST_F(durable_runs, with_a_key_are_accepted_once) {
  cluster three{user, slow_models()};
  auto run = detached({"--key", "nightly"});
  for (const auto& node : three.nodes()) {
    auto again = user.troupe(
        question_of({"--key", "nightly", "--detach", "--json", "--peer", node.address}));
    ASSERT_TRUE(again.ok()) << again.shown();
    EXPECT_EQ(again.parsed().at("run"), run) << "through " << node.name;
    EXPECT_EQ(again.parsed().at("known"), true);
  }
  auto owner = three.node(std::string{shown(run).at("node")});
  ::kill(owner.pid, SIGKILL);
  three.await_restart(owner.name, owner.pid);
  auto waited = user.troupe(question_of({"--key", "nightly"}));
  EXPECT_TRUE(waited.ok()) << waited.shown();
  EXPECT_THAT(waited.err,
              AllOf(HasSubstr(run), HasSubstr("already accepted, showing the run of the first")));
  EXPECT_EQ(user.troupe({"runs", "--json"}).parsed().at("runs").size(), 1u);
  EXPECT_NE(detached({"--key", "another"}), run);
}

TEST_F(durable_runs, are_cancelled_retried_and_deleted_by_name) {
  cluster two{user, slow_models(2)};
  auto expected = undisturbed();
  auto run = detached();
  await_work();
  auto early = user.troupe({"runs", "delete", run});
  EXPECT_EQ(early.ended.code, 1) << early.shown();
  EXPECT_THAT(early.err, HasSubstr("troupe runs cancel " + run));
  for (auto again : {false, true}) {
    auto cancelled = user.troupe({"runs", "cancel", run});
    EXPECT_TRUE(cancelled.ok()) << again << cancelled.shown();
  }
  await_no_work();
  EXPECT_EQ(shown(run).at("state"), "cancelled");

  auto retried = user.troupe({"runs", "retry", run, "--failed"});
  EXPECT_TRUE(retried.ok()) << retried.shown();
  EXPECT_EQ(retried.out, expected);
  auto listed = user.troupe({"runs", "--state", "succeeded", "--json"}).parsed();
  ASSERT_EQ(listed.at("runs").size(), 1u) << listed;
  EXPECT_EQ(listed.at("runs").at(0).at("retry_of"), run);
  auto late = user.troupe({"runs", "cancel", std::string{listed.at("runs").at(0).at("run")}});
  EXPECT_EQ(late.ended.code, 1) << late.shown();
  EXPECT_THAT(late.err, HasSubstr("already ended"));

  auto gone = user.troupe({"runs", "delete", run});
  EXPECT_TRUE(gone.ok()) << gone.shown();
  auto missing = user.troupe({"runs", "show", run, "--json"});
  EXPECT_EQ(missing.ended.code, 1) << missing.shown();
  EXPECT_EQ(missing.parsed().at("error").at("code"), "not_found");
}

TEST_F(durable_runs, are_not_what_is_off) {
  cluster one{user, slow_models(1)};
  auto refused = user.troupe(question_of({"--durability", "off", "--detach"}));
  EXPECT_EQ(refused.ended.code, 64);
  EXPECT_THAT(refused.err, HasSubstr("would end with this command"));
  auto running = start_on(one.node("node-1"), {"--durability", "off"});
  EXPECT_THAT(user.troupe({"runs"}).out, HasSubstr("no durable runs"));
  running->send_signal(SIGTERM);
  EXPECT_EQ(end_of(*running).code, 130) << running->errors();
  await_no_work();
}

TEST_F(durable_runs, of_a_node_that_is_away_are_missed_and_left_after_a_while) {
  auto options = slow_models(2);
  options.arguments = {"--no-restart"};
  cluster two{user, options};
  auto running = start_on(two.node("node-1"));
  ::kill(two.node("node-1").pid, SIGKILL);
  auto listed = user.troupe({"runs"});
  EXPECT_EQ(listed.ended.code, 0) << listed.shown();
  EXPECT_THAT(listed.err, HasSubstr("node-1 did not answer"));
  auto unknown = user.troupe({"runs", "show", "4f2a"});
  EXPECT_EQ(unknown.ended.code, 69) << unknown.shown();
  EXPECT_EQ(end_of(*running).code, exit_run_left) << running->errors();
  EXPECT_THAT(running->errors(),
              AllOf(HasSubstr("attaching to it again"), HasSubstr("node-1, which owns it"),
                    HasSubstr("troupe runs attach ")));
}

} // namespace

} // namespace troupe::tests
