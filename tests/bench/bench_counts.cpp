// Runs one unit of work many times, for scripts/bench counts: callgrind counts the instructions
// between the two marks here, and this program what is allocated. All of it is in one thread, so a
// run gives the same figures as the run before.
//   bench_counts             lists the units
//   bench_counts UNIT        runs one, and prints what was allocated as JSON
#include "config/limits/telemetry.hpp"
#include "messages/runs.pb.h"
#include "messages/wire.hpp"
#include "telemetry/otlp.hpp"
#include "telemetry/recorder.hpp"
#include "tests/bench/counts/allocations.hpp"
#include "tests/bench/counts/counted_node.hpp"
#include "tests/bench/driver.hpp"
#include "tests/bench/submitter.hpp"
#include "tests/bench/usual_span.hpp"
#include "tests/sim/world.hpp"

#include <valgrind/callgrind.h>

#include <caf/event_based_actor.hpp>

#include <functional>
#include <iostream>
#include <map>
#include <string_view>

namespace {

using namespace troupe;
using namespace troupe::bench;

constexpr std::uint64_t counted = 10'000;
constexpr std::uint64_t graphs_counted = 2'000; ///< they are twenty times as much work
constexpr std::uint64_t warm_up_share = 10;

/// Does the unit that many times.
using repeated = std::function<void(std::uint64_t times)>;

[[noreturn]] void fail_with(const std::string& why) {
  std::cerr << "bench_counts: " << why << "\n";
  std::exit(1);
}

envelope small_message(message_kind kind, const address& target) {
  AgentMessage message;
  message.mutable_text()->assign(100, 'x');
  return make_envelope(kind, target, std::move(message));
}

envelope echo(message_kind kind, const address& target) {
  Echo made;
  made.mutable_bytes()->assign(100, 'x');
  return make_envelope(kind, target, std::move(made));
}

// -- logics alone, in the simulator's host ------------------------------------------------------

role_table all_roles() {
  auto loaded = load_roles({});
  if (!loaded)
    fail_with("the built-in roles cannot be loaded");
  return std::move(*loaded);
}

/// Sends what `make` makes to a simulated node and waits for the answer of that kind.
repeated in_the_simulator(std::function<envelope()> make, payload_kind answer) {
  auto world = std::make_shared<sim::world>(1, 1, all_roles());
  world->on().debugs = world->on().checks = false;
  if (!world->settle())
    fail_with("the simulated node does not begin");
  return [=](std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) {
      world->send(0, make());
      auto answered = [&] {
        return !world->received.empty() && world->received.back().body.kind() == answer;
      };
      if (!world->run_until(answered, std::chrono::seconds{10}))
        fail_with("the simulated node does not answer"
                  + (world->received.empty()
                         ? std::string{}
                         : ": " + failure_in(world->received.back()).value_or(failure{}).message));
      world->received.clear();
    }
  };
}

envelope submission(const Graph& graph) {
  RunSubmit run;
  *run.mutable_graph() = graph;
  run.set_durability(DURABILITY_OFF);
  return make_envelope(message_kind::request, address::of(service::coordinator), std::move(run));
}

// -- through shells, post and CAF's mailboxes ---------------------------------------------------

template <class Logic, class... Args>
repeated in_a_node(Args... args) {
  auto node = std::make_shared<counted_node>();
  return [=, drivers = std::make_shared<int>(0)](std::uint64_t times) {
    std::promise<double> done;
    node->run_logic("bench/" + std::to_string(++*drivers),
                    std::make_unique<Logic>(args..., times, &done));
    node->work();
    if (done.get_future().wait_for(std::chrono::seconds{0}) != std::future_status::ready)
      fail_with("the node has nothing left to do, and not all is answered");
  };
}

/// One request at a time.
struct lone_echo : driver {
  lone_echo(address target, std::uint64_t count, std::promise<double>* done)
      : driver(std::move(target), count, 1, done) {}
};
struct lone_message : message_driver {
  lone_message(address target, std::uint64_t count, std::promise<double>* done)
      : message_driver(std::move(target), count, 1, done) {}
};
/// Each to an agent that is not there yet.
struct newcomers : message_driver {
  newcomers(std::uint64_t count, std::promise<double>* done) : message_driver({}, count, 1, done) {}

private:
  envelope make() const override {
    static std::uint64_t last = 0;
    auto message = message_driver::make();
    message.target = address::of_agent(name{"echo/new-" + std::to_string(++last)});
    return message;
  }
};

/// One task, whose agent has to decide.
Graph task_of_an_agent() {
  auto made = parse_graph("graph: one\ntasks:\n  - id: only\n    role: decides\n", "one");
  if (!made)
    fail_with("the graph of one task cannot be read: " + to_string(made.error()));
  return std::move(*made);
}

/// The yardstick: two bare actors of CAF.
repeated between_bare_actors() {
  struct bare {
    caf::actor_system_config config;
    std::unique_ptr<caf::actor_system> system;
    bare() {
      config.set("scheduler.policy", caf::atom("testing"));
      system = std::make_unique<caf::actor_system>(config);
    }
  };
  auto in = std::make_shared<bare>();
  return [in](std::uint64_t times) {
    auto echo = in->system->spawn([](caf::event_based_actor*) -> caf::behavior {
      return {[](std::string& text) { return std::move(text); }};
    });
    in->system->spawn([echo, times](caf::event_based_actor* self) -> caf::behavior {
      self->send(echo, std::string(100, 'x'));
      return {[=, left = times](std::string&) mutable {
        if (--left > 0)
          return self->send(echo, std::string(100, 'x'));
        self->send_exit(echo, caf::exit_reason::user_shutdown);
        self->quit();
      }};
    });
    dynamic_cast<caf::scheduler::test_coordinator&>(in->system->scheduler()).run();
  };
}

// -- the wire -----------------------------------------------------------------------------------

repeated encoding() {
  return [](std::uint64_t times) {
    std::vector<char> out;
    for (std::uint64_t i = 0; i < times; ++i) {
      out.clear();
      auto message = small_message(message_kind::request, {});
      message.id = {session_id{7}, i};
      std::string body;
      message.body.append_to(body);
      append_envelope(out, message, {1, 2, 3}, body);
    }
  };
}

repeated decoding() {
  auto message = small_message(message_kind::request, {});
  message.id = {session_id{7}, 1};
  std::string body;
  message.body.append_to(body);
  std::vector<char> out;
  append_envelope(out, message, {1, 2, 3}, body);
  auto frame = byte_slice::copy_of({out.data(), out.size()});
  return [frame](std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) {
      std::size_t offset = 0;
      auto record = read_record(frame, offset);
      if (!record || !record->message.body.as<AgentMessage>())
        fail_with("an envelope cannot be read");
    }
  };
}

// -- spans --------------------------------------------------------------------------------------

/// Made and kept.
repeated recording() {
  auto counted_here = std::make_shared<metrics>();
  recorder_options options;
  options.node_name = "node-1";
  options.kept_max = counted / warm_up_share; // so that each drives another out
  auto kept = std::make_shared<recorder>(options, *counted_here, make_null_log_sink());
  return [=, keep = counted_here](std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i)
      kept->record(usual_span(i));
  };
}

/// Written for a collector, in batches of usual size.
repeated exporting() {
  std::vector<shared_span> batch;
  for (std::uint64_t i = 0; i < limits::spans_per_export; ++i)
    batch.push_back(pack(usual_span(i)));
  return [batch](std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; i += batch.size())
      encode_otlp({}, {batch.data(), std::min<std::size_t>(batch.size(), times - i)});
  };
}

struct unit {
  std::function<repeated()> make;
  std::uint64_t times = counted;
};

const std::map<std::string_view, unit>& units() {
  static const auto echo_agent = address::of_agent(name{"echo/1"});
  static const auto chain = builtin_graph("graphs/chain.yaml");
  static const auto fan = builtin_graph("graphs/fan.yaml");
  auto ask = [](auto make) { return [=] { return make(message_kind::request, echo_agent); }; };
  auto run = [](const Graph& graph) { return [&graph] { return submission(graph); }; };
  static const std::map<std::string_view, unit> all{
      {"logic/echo", {[=] { return in_the_simulator(ask(echo), payload_kind::Echo); }}},
      {"logic/agent_message",
       {[=] { return in_the_simulator(ask(small_message), payload_kind::AgentReply); }}},
      {"logic/chain",
       {[=] { return in_the_simulator(run(chain), payload_kind::RunEnded); }, graphs_counted}},
      {"logic/fan",
       {[=] { return in_the_simulator(run(fan), payload_kind::RunEnded); }, graphs_counted}},
      {"node/echo", {[] { return in_a_node<lone_echo>(echo_agent); }}},
      {"node/agent_message", {[] { return in_a_node<lone_message>(echo_agent); }}},
      {"node/decided",
       {[] { return in_a_node<lone_message>(address::of_agent(name{"decides/1"})); }}},
      {"node/activation", {[] { return in_a_node<newcomers>(); }, graphs_counted}},
      {"node/task", {[] { return in_a_node<submitter>(task_of_an_agent()); }, graphs_counted}},
      {"node/chain", {[] { return in_a_node<submitter>(chain); }, graphs_counted}},
      {"node/fan", {[] { return in_a_node<submitter>(fan); }, graphs_counted}},
      {"wire/encode", {encoding}},
      {"wire/decode", {decoding}},
      {"span/recorded", {recording}},
      {"span/exported", {exporting}},
      {"yardstick/caf_round_trip", {between_bare_actors}},
  };
  return all;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    for (const auto& [title, one] : units())
      std::cout << title << "\n";
    return 0;
  }
  auto found = units().find(argv[1]);
  if (found == units().end())
    fail_with(std::string{"there is no unit "} + argv[1]);
  auto times = found->second.times;
  auto work = found->second.make();
  work(times / warm_up_share);
  auto before = allocated();
  CALLGRIND_TOGGLE_COLLECT;
  work(times);
  CALLGRIND_TOGGLE_COLLECT;
  auto after = allocated();
  auto each = [times](std::uint64_t all) {
    return static_cast<double>(all) / static_cast<double>(times);
  };
  std::cout << "{\"unit\": \"" << found->first << "\", \"times\": " << times
            << ", \"allocations\": " << each(after.count - before.count)
            << ", \"bytes\": " << each(after.bytes - before.bytes) << "}\n";
}
