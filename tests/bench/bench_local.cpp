// A message to a local agent (`durability: off`) and back, with one trace in a hundred sampled. The
// yardstick is two bare CAF actors under CAF's own scheduler.
#include "nodes/cores.hpp"
#include "tests/bench/driver.hpp"
#include "tests/bench/report.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

namespace {

using namespace troupe;
using namespace troupe::bench;
using test::whole_node;

constexpr std::uint64_t messages = 400'000;

caf::behavior echo(caf::event_based_actor*) {
  return {[](std::string& text) { return std::move(text); }};
}

struct ping_state {
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
};

caf::behavior ping(caf::stateful_actor<ping_state>* self, caf::actor target, std::uint64_t window,
                   std::promise<double>* done) {
  for (std::uint64_t i = 0; i < window; ++i, ++self->state.sent)
    self->send(target, std::string(100, 'x'));
  return {[=](std::string&) {
    auto& state = self->state;
    if (++state.answered == messages) {
      done->set_value(static_cast<double>(messages) / seconds_since(state.begun));
      self->quit();
    } else if (state.sent < messages) {
      ++state.sent;
      self->send(target, std::string(100, 'x'));
    }
  }};
}

double bare_caf(std::uint64_t window) {
  caf::actor_system_config cfg;
  cfg.set("scheduler.max-threads", std::uint64_t{available_cores()});
  caf::actor_system system{cfg};
  std::promise<double> done;
  auto target = system.spawn(echo);
  system.spawn(ping, target, window, &done);
  auto rate = done.get_future().get();
  caf::anon_send_exit(target, caf::exit_reason::kill);
  return rate;
}

template <class Driver>
void beside_bare_caf(const std::string& what, std::uint64_t window) {
  compare(
      what + ", round trips, " + std::to_string(window) + " in flight", "1/s", 5,
      [&] {
        whole_node node{1};
        node.wait_for_members();
        return drive<Driver>(node, address::of_agent(name{"echo/1"}), messages, window);
      },
      "two bare CAF actors, stock scheduler", [&] { return bare_caf(window); });
}

} // namespace

int main(int argc, char** argv) {
  read_arguments(argc, argv);
  for (std::uint64_t window : {1, 64}) {
    beside_bare_caf<driver>("local agent", window);
    beside_bare_caf<message_driver>("local agent whose mind decides", window);
  }
}
