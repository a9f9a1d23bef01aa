#include "tests/e2e/simulator.hpp"

#include <algorithm>
#include <csignal>

/// A run that is cancelled ends everywhere: on all nodes, and at the provider of its models.
namespace troupe::tests {

namespace {

using ::testing::HasSubstr;

constexpr int calls_open = 9;
constexpr auto at_once = 1s;

class cancelled_runs : public simulated_models {
protected:
  void SetUp() override {
    simulate("  - contains: quick\n    reply: It is done.\n  - fault: hang\n");
    role("asker", "open/any");
    std::string tasks = "graph: own\ntasks:\n  - {id: first, role: asker, input: {text: quick}}\n";
    for (int i = 0; i < calls_open; ++i)
      tasks += "  - {id: slow" + std::to_string(i)
               + ", role: asker, needs: [first], input: {text: \"" + std::to_string(i) + "\"}}\n";
    write_file(graph(), tasks + "result: $tasks.first\n");
  }
  std::filesystem::path graph() const { return user.path() / "own.yaml"; }

  /// Model calls that the node has open now.
  static int open_calls(const running_node& node) {
    const std::string gauge = "\nllm_calls_running{provider=\"open\"} ";
    auto told = http_get("http://" + node.http_address + "/metrics");
    auto at = told.body.find(gauge);
    return at == std::string::npos ? 0 : std::atoi(told.body.c_str() + at + gauge.size());
  }
  static int open_calls(const cluster& all) {
    int sum = 0;
    for (const auto& node : all.nodes())
      sum += open_calls(node);
    return sum;
  }
  /// Each question is a connection of its own: no busy loop.
  static bool await(const std::function<bool()>& fits, clock::duration at_most) {
    for (auto end = clock::now() + at_most; clock::now() < end;)
      if (fits())
        return true;
    return fits();
  }
  int taken_back() const {
    auto calls = provider_->calls();
    return static_cast<int>(std::count_if(calls.begin(), calls.end(), [](const json& one) {
      return one.at("outcome") == "cancelled";
    }));
  }
  /// All calls of the run are open, some on each node.
  void expect_work_on_all(const cluster& three) {
    ASSERT_TRUE(await([&] { return open_calls(three) == calls_open; }, 60s))
        << open_calls(three) << " calls are open";
    for (const auto& node : three.nodes())
      EXPECT_GT(open_calls(node), 0) << node.name;
    EXPECT_EQ(taken_back(), 0);
  }
  /// Nothing of the run goes on `at_most` from now.
  void expect_all_closed(const cluster& three, clock::duration at_most) {
    EXPECT_TRUE(
        await([&] { return taken_back() == calls_open && open_calls(three) == 0; }, at_most))
        << taken_back() << " calls were taken back, " << open_calls(three) << " are open";
  }
  void expect_what_was_done(const std::string& run) {
    auto shown = user.troupe({"runs", "show", run, "--steps", "--json"});
    ASSERT_TRUE(shown.ok()) << shown.shown();
    auto told = shown.parsed();
    EXPECT_EQ(told.at("state"), "cancelled");
    for (const auto& task : told.at("tasks")) {
      bool is_first = task.at("task") == "first";
      EXPECT_EQ(task.at("ok"), is_first) << task;
      ASSERT_EQ(task.at("steps").size(), 1u) << task;
      EXPECT_EQ(task.at("steps").at(0).at("outcome") == "recorded", is_first) << task;
    }
  }
  /// How long a command takes that does nothing but ask.
  clock::duration time_of_a_command(const std::string& run) {
    auto begun = clock::now();
    EXPECT_TRUE(user.troupe({"runs", "show", run}).ok());
    return clock::now() - begun;
  }
};

TEST_F(cancelled_runs, by_name_end_on_all_nodes_and_at_their_provider_at_once) {
  cluster three{user, {}};
  auto begun = user.troupe({"run", graph().string(), "--durability", "sync", "--detach"});
  ASSERT_TRUE(begun.ok()) << begun.shown();
  auto run = begun.out.substr(0, begun.out.find('\n'));
  expect_work_on_all(three);
  auto usual = time_of_a_command(run);
  auto cancels = user.start({"runs", "cancel", run});
  expect_all_closed(three, usual + at_once);
  auto ended = cancels.wait(20s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 0) << cancels.errors();
  expect_what_was_done(run);
}

TEST_F(cancelled_runs, by_an_interrupt_end_on_all_nodes_and_at_their_provider_at_once) {
  for (std::string durability : {"sync", "off"}) {
    SCOPED_TRACE(durability);
    cluster three{user, {}};
    auto running = user.start({"run", graph().string(), "--durability", durability});
    expect_work_on_all(three);
    running.send_signal(SIGINT);
    expect_all_closed(three, at_once);
    auto ended = running.wait(20s);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->code, 130) << running.errors();
    if (durability == "sync")
      expect_what_was_done(user.troupe({"runs", "--json"}).parsed().at("runs").at(0).at("run"));
    three.stop();
    ASSERT_TRUE(
        user.shell("curl -sS --noproxy '*' -X DELETE " + provider_->url() + "/ledger").ok());
  }
}

} // namespace

} // namespace troupe::tests
