// Graphs of three no-op tasks in a row and of five at once. They take the path of any run (listed,
// counted, one trace in a hundred sampled) and are not durable. The yardstick is bare CAF actors
// that pass a message along such a graph.
#include "tests/bench/driver.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/submitter.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

namespace {

using namespace troupe;
using namespace troupe::bench;
using test::whole_node;

/// Bare actors: a hub that sends to workers, in a row or at once, and counts the answers.
double bare_caf(int in_a_row, int at_once, std::uint64_t count) {
  caf::actor_system_config cfg;
  caf::actor_system system{cfg};
  auto work = [](caf::event_based_actor*) -> caf::behavior { return {[](int x) { return x; }}; };
  std::vector<caf::actor> workers;
  for (int i = 0; i < at_once; ++i)
    workers.push_back(system.spawn(work));
  std::promise<double> done;
  struct progress {
    std::uint64_t runs = 0;
    int open = 0;
    int stage = 0;
  };
  auto hub = [&,
              state = std::make_shared<progress>()](caf::event_based_actor* self) -> caf::behavior {
    auto fire = [=, &workers] {
      state->open = at_once;
      for (auto& w : workers)
        self->send(w, 1);
    };
    fire();
    return {[=, &done](int) {
      if (--state->open > 0)
        return;
      if (++state->stage == in_a_row) {
        state->stage = 0;
        if (++state->runs == count) {
          done.set_value(0);
          self->quit();
          return;
        }
      }
      fire();
    }};
  };
  auto begun = std::chrono::steady_clock::now();
  system.spawn(hub);
  done.get_future().get();
  auto each = seconds_since(begun) * 1e6 / static_cast<double>(count);
  for (auto& w : workers)
    caf::anon_send_exit(w, caf::exit_reason::kill);
  return each;
}

} // namespace

int main() {
  auto chain = builtin_graph("graphs/chain.yaml");
  auto fan = builtin_graph("graphs/fan.yaml");
  whole_node node{1};
  node.wait_for_members();
  compare(
      "a graph of three no-op tasks in a row", "us", 5,
      [&] { return drive<submitter>(node, chain, std::uint64_t{20'000}); }, "bare CAF actors",
      [] { return bare_caf(3, 1, 50'000); });
  compare(
      "a graph of five no-op tasks at once", "us", 5,
      [&] { return drive<submitter>(node, fan, std::uint64_t{20'000}); }, "bare CAF actors",
      [] { return bare_caf(1, 5, 50'000); });
}
