// A cluster of three processes, started as a user starts it: how long it takes to be ready, and
// what an idle node uses.
#include "tests/bench/report.hpp"
#include "tests/support/cluster.hpp"
#include "tests/support/process.hpp"

#include <thread>

int main() {
  using namespace troupe;
  using namespace troupe::bench;
  using namespace std::chrono_literals;
  tests::home where{std::filesystem::path{TROUPE_BINARY_DIR} / "troupe"};
  std::vector<double> first;
  std::vector<double> again;
  for (int i = 0; i < 5; ++i) {
    tests::home fresh{std::filesystem::path{TROUPE_BINARY_DIR} / "troupe"};
    for (auto* times : {&first, &again}) {
      auto begun = std::chrono::steady_clock::now();
      tests::cluster started{fresh};
      times->push_back(seconds_since(begun) * 1e3);
      started.stop();
    }
  }
  report("`troupe up --nodes 3` ready, new folder", "ms", median(first), "aim: under 1000");
  report("`troupe up --nodes 3` ready, again", "ms", median(again), "aim: under 1000");

  tests::cluster idle{where};
  std::this_thread::sleep_for(2s); // let the work of the start finish
  std::vector<double> memory;
  std::vector<double> processor;
  auto cpu = [&](const tests::running_node& n) {
    return std::chrono::duration<double>(tests::processor_time(n.pid)).count();
  };
  for (const auto& n : idle.nodes()) {
    memory.push_back(static_cast<double>(tests::resident_bytes(n.pid)) / (1024.0 * 1024.0));
    auto before = cpu(n);
    std::this_thread::sleep_for(3s);
    processor.push_back((cpu(n) - before) / 3 * 100);
  }
  report("an idle node's resident memory", "MiB", median(memory), "aim: at most 64");
  report("an idle node's processor use", "% of a core", median(processor), "aim: under 1");
}
