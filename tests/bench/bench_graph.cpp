// Graphs of three no-op tasks in a row and of five at once. They take the path of any run (listed,
// counted, one trace in a hundred sampled) and are not durable. The yardstick is bare CAF actors
// that pass a message along such a graph.
#include "actors/coordination/graph_yaml.hpp"
#include "config/embedded.hpp"
#include "messages/runs.pb.h"
#include "tests/bench/driver.hpp"
#include "tests/bench/report.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <iostream>

namespace {

using namespace troupe;
using namespace troupe::bench;
using test::whole_node;

Graph builtin(std::string_view file_name) {
  for (const auto& file : embedded_files())
    if (file.name == file_name)
      if (auto graph = parse_graph(file.text, std::string{file.name}))
        return *graph;
  std::cerr << "no graph " << file_name << "\n";
  std::exit(1);
}

/// Submits a graph, waits for its end and submits it again.
class submitter : public logic {
public:
  submitter(Graph graph, std::uint64_t count, std::promise<double>* done)
      : graph_(std::move(graph)), count_(count), done_(done) {}

  void start(step_context& context, const address& self) override {
    self_ = self;
    session_ = {context.random.next() | 1};
    begun_ = std::chrono::steady_clock::now();
    submit(context);
  }

  void step(step_context& context, event input) override {
    auto message = std::get_if<envelope>(&input);
    if (!message)
      return;
    auto ended = message->body.as<RunEnded>();
    if (!ended)
      return;
    if (!ended->ok()) {
      std::cerr << ended->failure().message() << "\n";
      std::exit(1);
    }
    if (++ended_ == count_)
      done_->set_value(seconds_since(begun_) * 1e6 / static_cast<double>(count_));
    else
      submit(context);
  }

private:
  void submit(step_context& context) {
    RunSubmit run;
    *run.mutable_graph() = graph_;
    auto message = make_envelope(message_kind::request,
                                 address::of(service::coordinator, self_.node), std::move(run));
    message.id = {session_, ++sequence_};
    message.sender = self_;
    message.trace = {
        {session_.value, sequence_}, {}, static_cast<std::uint8_t>(sequence_ % 100 == 0)};
    context.out.send(std::move(message));
  }

  Graph graph_;
  address self_;
  session_id session_;
  std::uint64_t count_, ended_ = 0, sequence_ = 0;
  std::chrono::steady_clock::time_point begun_;
  std::promise<double>* done_;
};

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
  auto chain = builtin("graphs/chain.yaml");
  auto fan = builtin("graphs/fan.yaml");
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
