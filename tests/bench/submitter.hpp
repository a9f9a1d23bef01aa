#pragma once

#include "actors/coordination/graph_yaml.hpp"
#include "actors/logic.hpp"
#include "config/embedded.hpp"
#include "messages/runs.pb.h"
#include "messages/value_check.hpp"
#include "tests/bench/report.hpp"

#include <algorithm>
#include <cstdlib>
#include <future>
#include <iostream>
#include <optional>

namespace troupe::bench {

inline Graph builtin_graph(std::string_view file_name) {
  for (const auto& file : embedded_files())
    if (file.name == file_name)
      if (auto graph = parse_graph(file.text, std::string{file.name}))
        return *graph;
  std::cerr << "no graph " << file_name << "\n";
  std::exit(1);
}

/// What is submitted, how often, and to whom.
struct submissions {
  Graph graph;
  value_map inputs = {};
  std::uint64_t count = 1;
  std::uint64_t at_once = 1; ///< so many runs are open
  Durability durability = DURABILITY_OFF;
  std::optional<node_id> owner = std::nullopt; ///< none: the submitter's own node
};

/// Submits a graph, waits for its end and submits it again. Its figure is microseconds for each.
class submitter : public logic {
public:
  submitter(submissions wanted, std::promise<double>* done)
      : wanted_(std::move(wanted)), done_(done) {}
  submitter(Graph graph, std::uint64_t count, std::promise<double>* done)
      : submitter(submissions{.graph = std::move(graph), .count = count}, done) {}

  void start(step_context& context, const address& self) override {
    self_ = self;
    session_ = {context.random.next() | 1};
    begun_ = std::chrono::steady_clock::now();
    while (sequence_ < std::min(wanted_.at_once, wanted_.count))
      submit(context);
  }

  void step(step_context& context, event input) override {
    auto message = std::get_if<envelope>(&input);
    if (!message)
      return;
    auto ended = message->body.as<RunEnded>();
    auto why =
        ended && !ended->ok() ? std::optional{from_proto(ended->failure())} : failure_in(*message);
    if (why) {
      std::cerr << why->message << "\n";
      std::exit(1);
    }
    if (!ended)
      return;
    if (++ended_ == wanted_.count)
      done_->set_value(seconds_since(begun_) * 1e6 / static_cast<double>(wanted_.count));
    else if (sequence_ < wanted_.count)
      submit(context);
  }

private:
  void submit(step_context& context) {
    RunSubmit run;
    *run.mutable_graph() = wanted_.graph;
    *run.mutable_inputs() = wanted_.inputs;
    run.set_durability(wanted_.durability);
    auto message = make_envelope(
        message_kind::request,
        address::of(service::coordinator, wanted_.owner.value_or(self_.node)), std::move(run));
    message.id = {session_, ++sequence_};
    message.sender = self_;
    message.trace = {
        {session_.value, sequence_}, {}, static_cast<std::uint8_t>(sequence_ % 100 == 0)};
    context.out.send(std::move(message));
  }

  submissions wanted_;
  address self_;
  session_id session_;
  std::uint64_t ended_ = 0, sequence_ = 0;
  std::chrono::steady_clock::time_point begun_;
  std::promise<double>* done_;
};

} // namespace troupe::bench
