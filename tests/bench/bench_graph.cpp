// Graphs of three no-op tasks in a row and of five at once. They take the path of any run (listed,
// counted, one trace in a hundred sampled) and are not durable. The yardstick is bare CAF actors
// that pass a message along such a graph.
#include "config/limits/work.hpp"
#include "nodes/cores.hpp"
#include "tests/bench/driver.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/submitter.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <cassert>

namespace {

using namespace troupe;
using namespace troupe::bench;
using test::whole_node;

/// Bare actors: a hub that sends to workers, in a row or at once, and counts the answers.
double bare_caf(int in_a_row, int at_once, std::uint64_t count) {
  caf::actor_system_config cfg;
  cfg.set("scheduler.max-threads", std::uint64_t{available_cores()});
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

/// How many tasks a second one run of `count` no-op tasks does.
double one_run(std::uint64_t count) {
  auto graph = parse_graph("graph: many\ninputs: {items: {type: list, required: true}}\n"
                           "tasks: [{id: a, role: noop, for_each: $inputs.items}]\n",
                           "many.yaml");
  assert(graph);
  value_map inputs;
  auto& items = *inputs["items"].mutable_list();
  for (std::uint64_t i = 0; i < count; ++i)
    items.add_items()->set_integer(static_cast<std::int64_t>(i));
  whole_node node{1};
  node.wait_for_members();
  auto us = drive<submitter>(node, submissions{.graph = *graph, .inputs = std::move(inputs)});
  return static_cast<double>(count) * 1e6 / us;
}

} // namespace

int main(int argc, char** argv) {
  read_arguments(argc, argv);
  auto chain = builtin_graph("graphs/chain.yaml");
  auto fan = builtin_graph("graphs/fan.yaml");
  auto submitted = [](const Graph& graph) {
    whole_node node{1};
    node.wait_for_members();
    return drive<submitter>(node, graph, std::uint64_t{20'000});
  };
  compare(
      "a graph of three no-op tasks in a row", "us", 5, [&] { return submitted(chain); },
      "bare CAF actors", [] { return bare_caf(3, 1, 50'000); });
  compare(
      "a graph of five no-op tasks at once", "us", 5, [&] { return submitted(fan); },
      "bare CAF actors", [] { return bare_caf(1, 5, 50'000); });
  std::vector<double> rates;
  for (int round = 0; round < 5; ++round)
    rates.push_back(one_run(limits::run_tasks_max));
  report("no-op tasks through one run of 100,000", "1/s", median(rates), "aim: 200000");
}
