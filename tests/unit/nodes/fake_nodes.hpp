#pragma once

#include "config/base/file_handle.hpp"
#include "nodes/local_cluster.hpp"

#include <fcntl.h>
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

/// A pretended node: it says that it is ready, then waits for signals. They are blocked from the
/// start, so that none is lost before it waits (a shell's `trap` would lose some).
inline constexpr const char* fake_node = R"(import os, signal, sys
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
first = not os.path.exists(os.path.join(folder, "started-" + name))
note("started-" + name, "")
if mode == "blocked" and not first and os.path.exists(os.path.join(folder, "busy")):
    print("troupe: 127.0.0.1:1 is taken", file=sys.stderr)
    sys.exit(69)
if mode == "mute_later" and not first:
    mode = "silent"
    if os.path.exists(os.path.join(folder, "cured")):
        mode = "obedient"
if mode == "failing":
    say('{"event":"failed","message":"the disk is\\nfull"}\n')
    sys.exit(73)
if mode == "troubled":
    note("log.jsonl", '{"level":"warning","message":"no socket: Too many open files"}')
    note("log.jsonl", '{"level":"info","message":"fine"}')
    mode = "silent"
if mode != "silent":
    pulses = "true" if mode == "pulsing" and first else "false"
    say('{"event":"listening","id":"id-%s","address":"127.0.0.1:1","http_address":"h",'
        '"pulses":%s}\n' % (name, pulses))
    note("environment", str(sum(key.startswith("TROUPE_") for key in os.environ)))
    say('{"event":"re')
    say('ady","id":"x"}\n')
if mode == "crashing":
    sys.exit(1)
while True:
    came = signal.sigwait(signals)
    if came == signal.SIGUSR1 and mode == "misconfigured" and first:
        sys.exit(78)
    if came == signal.SIGUSR1 and mode.startswith("ends_") and first:
        sys.exit(int(mode.removeprefix("ends_")))
    if came == signal.SIGTERM and mode == "obedient":
        note("stopped", name)
    if came == signal.SIGTERM and mode != "stubborn":
        sys.exit(0)
)";

/// Records each call as one entry.
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
  void node_hangs(const local_node& node, pid_t, const std::string& why) override {
    log.push_back("hangs " + node.name + ": " + why);
  }
  void node_restarting(const local_node&, std::chrono::milliseconds after,
                       const std::string& why) override {
    delays.push_back(after);
    reasons.push_back(why);
    if (on_restarting)
      on_restarting();
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
  std::vector<std::string> reasons;
  std::vector<std::pair<std::string, pid_t>> pids;
  local_node last_node;
  std::function<void()> on_ready, on_back, on_given_up, on_stopping, on_restarting;
};

/// A cluster of pretended nodes, in its own folder.
class local_cluster_of_fakes : public testing::Test {
protected:
  local_cluster_of_fakes()
      : stop_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        start_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    auto pattern = (fs::temp_directory_path() / "troupe-cluster-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    std::ofstream(folder_ / "node.py") << fake_node;
    options_.stop_fd = stop_fd_.get();
    options_.start_fd = start_fd_.get();
    options_.publish = [this](std::vector<supervised_node> nodes, std::uint64_t asked) {
      published_ = std::move(nodes);
      asked_ = asked;
    };
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
  void ask_to_start() { ::eventfd_write(start_fd_.get(), 1); }

  local_cluster_end run() { return local_cluster(options_, seen_).run(); }

  std::string content(const std::string& leaf) {
    std::ifstream in(folder_ / leaf);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  file_handle stop_fd_, start_fd_;
  std::vector<supervised_node> published_;
  std::uint64_t asked_ = 0;
  fs::path folder_;
  local_cluster_options options_;
  recorder_of_events seen_;
};

} // namespace troupe
