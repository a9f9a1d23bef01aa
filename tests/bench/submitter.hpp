#pragma once

#include "actors/coordination/graph_yaml.hpp"
#include "actors/logic.hpp"
#include "config/embedded.hpp"
#include "messages/runs.pb.h"
#include "messages/value_check.hpp"
#include "tests/bench/report.hpp"

#include <cstdlib>
#include <future>
#include <iostream>

namespace troupe::bench {

inline Graph builtin_graph(std::string_view file_name) {
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
  submitter(Graph graph, value_map inputs, std::uint64_t count, std::promise<double>* done)
      : graph_(std::move(graph)), inputs_(std::move(inputs)), count_(count), done_(done) {}

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
    *run.mutable_inputs() = inputs_;
    run.set_durability(DURABILITY_OFF);
    auto message = make_envelope(message_kind::request,
                                 address::of(service::coordinator, self_.node), std::move(run));
    message.id = {session_, ++sequence_};
    message.sender = self_;
    message.trace = {
        {session_.value, sequence_}, {}, static_cast<std::uint8_t>(sequence_ % 100 == 0)};
    context.out.send(std::move(message));
  }

  Graph graph_;
  value_map inputs_;
  address self_;
  session_id session_;
  std::uint64_t count_, ended_ = 0, sequence_ = 0;
  std::chrono::steady_clock::time_point begun_;
  std::promise<double>* done_;
};

} // namespace troupe::bench
