#include "nodes/local_cluster.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <vector>

namespace troupe {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

/// A node in name only: says that it is ready, then waits for signals. They are blocked from the
/// beginning, so that none is lost before it waits (a shell's `trap` would lose some).
constexpr const char* fake_node = R"(import os, signal, sys
mode, name, folder = sys.argv[1:]
signals = {signal.SIGTERM, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)

def say(text):
    os.write(3, text.encode())

def note(file, text):
    with open(os.path.join(folder, file), "a") as out:
        out.write(text + "\n")

if mode == "damaged":
    print("first line\nthe store is damaged", file=sys.stderr)
    sys.exit(65)
if mode != "silent":
    say('{"event":"listening","id":"id-%s","address":"127.0.0.1:1","http_address":"h"}\n' % name)
    note("environment", str(sum(key.startswith("TROUPE_") for key in os.environ)))
    say('{"event":"re')
    say('ady","id":"x"}\n')
if mode == "crashing":
    sys.exit(1)
while True:
    came = signal.sigwait(signals)
    if came == signal.SIGUSR1 and mode == "misconfigured":
        sys.exit(78)
    if came == signal.SIGTERM and mode == "obedient":
        note("stopped", name)
    if came == signal.SIGTERM and mode != "stubborn":
        sys.exit(0)
)";

class recorder_of_events : public cluster_observer {
public:
  void node_ready(const local_node& node, pid_t pid, bool restarted) override {
    log.push_back((restarted ? "back " : "ready ") + node.name);
    last_node = node;
    pids.emplace_back(node.name, pid);
    if (restarted && on_back)
      on_back();
  }
  void cluster_ready() override {
    log.push_back("cluster ready");
    if (on_ready)
      on_ready();
  }
  void node_exited(const local_node& node, pid_t, const child_exit& ended) override {
    log.push_back("exited " + node.name + " " + std::to_string(ended.code));
  }
  void node_restarting(const local_node&, std::chrono::milliseconds after) override {
    delays.push_back(after);
  }
  void node_given_up(const local_node& node, const std::string& why) override {
    log.push_back("given up " + node.name + ": " + why);
    if (on_given_up)
      on_given_up();
  }
  void stopping() override {
    log.push_back("stopping");
    if (on_stopping)
      on_stopping();
  }

  pid_t pid_of(const std::string& node) const {
    for (const auto& [shown, pid] : pids)
      if (shown == node)
        return pid;
    return 0;
  }

  std::size_t count(const std::string& entry) const {
    return static_cast<std::size_t>(std::count(log.begin(), log.end(), entry));
  }

  std::vector<std::string> log;
  std::vector<std::chrono::milliseconds> delays;
  std::vector<std::pair<std::string, pid_t>> pids;
  local_node last_node;
  std::function<void()> on_ready, on_back, on_given_up, on_stopping;
};

class local_cluster_of_fakes : public testing::Test {
protected:
  local_cluster_of_fakes() : stop_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    auto pattern = (fs::temp_directory_path() / "troupe-cluster-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    std::ofstream(folder_ / "node.py") << fake_node;
    options_.stop_fd = stop_fd_.get();
    options_.backoff_min = 1ms;
    options_.backoff_max = 4ms;
    seen_.on_ready = [this] { ask_to_stop(); };
  }
  ~local_cluster_of_fakes() override { fs::remove_all(folder_); }

  void add(const std::string& mode) {
    auto shown = "node-" + std::to_string(options_.nodes.size() + 1);
    local_node made;
    made.name = shown;
    made.command = {"/usr/bin/python3",
                    {(folder_ / "node.py").string(), mode, shown, folder_.string()},
                    folder_ / (shown + ".log")};
    options_.nodes.push_back(made);
  }

  void ask_to_stop() { ::eventfd_write(stop_fd_.get(), 1); }

  local_cluster_end run() { return local_cluster(options_, seen_).run(); }

  std::string content(const std::string& leaf) {
    std::ifstream in(folder_ / leaf);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  unique_fd stop_fd_;
  fs::path folder_;
  local_cluster_options options_;
  recorder_of_events seen_;
};

} // namespace

TEST_F(local_cluster_of_fakes, nodes_become_ready_and_are_stopped_in_reverse_order) {
  for (int i = 0; i < 3; ++i)
    add("obedient");
  auto end = run();
  EXPECT_EQ(end.code, 0) << end.message;
  EXPECT_EQ(content("stopped"), "node-3\nnode-2\nnode-1\n");
  EXPECT_EQ(seen_.count("cluster ready"), 1u);
  EXPECT_EQ(seen_.log.back(), "exited node-1 0");
  EXPECT_EQ(seen_.last_node.address, "127.0.0.1:1");
  EXPECT_EQ(seen_.last_node.http_address, "h");
}

TEST_F(local_cluster_of_fakes, nodes_do_not_inherit_settings_of_the_supervising_process) {
  ::setenv("TROUPE_NODE_NAME", "wrong", 1);
  add("obedient");
  EXPECT_EQ(run().code, 0);
  ::unsetenv("TROUPE_NODE_NAME");
  EXPECT_EQ(content("environment"), "0\n");
}

TEST_F(local_cluster_of_fakes, a_node_that_is_killed_is_started_again) {
  add("obedient");
  add("obedient");
  seen_.on_ready = [this] { ::kill(seen_.pids.back().second, SIGKILL); };
  seen_.on_back = [this] { ask_to_stop(); };
  auto end = run();
  EXPECT_EQ(end.code, 0) << end.message;
  ASSERT_EQ(seen_.pids.size(), 3u);
  EXPECT_EQ(seen_.pids[1].first, seen_.pids[2].first);
  EXPECT_NE(seen_.pids[1].second, seen_.pids[2].second);
  EXPECT_EQ(seen_.count("exited " + seen_.pids[1].first + " 137"), 1u);
}

TEST_F(local_cluster_of_fakes, a_node_that_keeps_dying_is_given_up_after_its_intensity) {
  add("crashing");
  options_.intensity = 3;
  seen_.on_ready = {};
  auto end = run();
  EXPECT_EQ(end.code, 69);
  EXPECT_NE(end.message.find("no node is left"), std::string::npos);
  EXPECT_EQ(seen_.count("exited node-1 1"), 4u);
  EXPECT_EQ(seen_.delays, (std::vector<std::chrono::milliseconds>{1ms, 2ms, 4ms}));
}

TEST_F(local_cluster_of_fakes, the_others_go_on_when_a_node_is_given_up) {
  add("obedient");
  add("misconfigured");
  seen_.on_ready = [this] { ::kill(seen_.pid_of("node-2"), SIGUSR1); };
  seen_.on_given_up = [this] { ask_to_stop(); };
  auto end = run();
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(seen_.count("exited node-2 78"), 1u); // 78: starting again does not help
  EXPECT_TRUE(seen_.delays.empty());
  EXPECT_EQ(content("stopped"), "node-1\n");
}

TEST_F(local_cluster_of_fakes, nothing_is_started_again_when_that_is_not_wanted) {
  add("obedient");
  add("obedient");
  options_.restart = false;
  seen_.on_ready = [this] { ::kill(seen_.pids.back().second, SIGKILL); };
  seen_.on_given_up = [this] { ask_to_stop(); };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.pids.size(), 2u);
}

TEST_F(local_cluster_of_fakes, a_node_that_fails_at_the_first_start_fails_the_cluster) {
  add("obedient");
  add("damaged");
  auto end = run();
  EXPECT_EQ(end.code, 65);
  EXPECT_EQ(end.message, "node-2 ended before it was ready (exit code 65): the store is damaged");
  EXPECT_EQ(seen_.count("cluster ready"), 0u);
  EXPECT_EQ(seen_.count("stopping"), 1u);
}

TEST_F(local_cluster_of_fakes, a_program_that_cannot_be_run_is_said) {
  add("obedient");
  options_.nodes[0].command.program = folder_ / "missing";
  auto end = run();
  EXPECT_EQ(end.code, 69);
  EXPECT_NE(end.message.find("cannot run the node's program"), std::string::npos);
}

TEST_F(local_cluster_of_fakes, a_node_that_never_becomes_ready_fails_the_cluster) {
  add("silent");
  add("obedient");
  options_.ready_timeout = 50ms;
  auto end = run();
  EXPECT_EQ(end.code, 69);
  EXPECT_NE(end.message.find("node-1 was not ready within"), std::string::npos) << end.message;
}

TEST_F(local_cluster_of_fakes, a_node_that_does_not_stop_is_killed) {
  add("stubborn");
  options_.stop_timeout = 20ms;
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("exited node-1 137"), 1u);
}

TEST_F(local_cluster_of_fakes, the_others_are_stopped_in_order_after_one_had_to_be_killed) {
  add("obedient");
  add("stubborn");
  options_.stop_timeout = 10min;
  seen_.on_stopping = [this] { ::kill(seen_.pid_of("node-2"), SIGKILL); };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("exited node-2 137"), 1u);
  EXPECT_EQ(content("stopped"), "node-1\n");
}

TEST_F(local_cluster_of_fakes, asking_twice_kills_at_once) {
  add("stubborn");
  options_.stop_timeout = 10min;
  seen_.on_stopping = [this] { ask_to_stop(); };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("exited node-1 137"), 1u);
}

} // namespace troupe
