#pragma once

#include "actors/host/logic_shell.hpp"
#include "messages/agents.pb.h"
#include "tests/support/node/whole_node.hpp"

#include <caf/send.hpp>

#include <chrono>
#include <future>

namespace troupe::bench {

/// Sends requests to one address until `count` are answered, with `window` of them open. One trace
/// in a hundred is sampled, as on a busy node.
class driver : public logic {
public:
  driver(address target, std::uint64_t count, std::uint64_t window, std::promise<double>* done)
      : target_(std::move(target)), count_(count), window_(window), done_(done) {}

  void start(step_context& context, const address& self) override {
    self_ = self;
    session_ = {context.random.next() | 1};
    begun_ = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < window_ && sent_ < count_; ++i)
      fire(context);
  }

  void step(step_context& context, event input) override {
    auto message = std::get_if<envelope>(&input);
    if (!message || message->kind != message_kind::reply)
      return;
    if (++answered_ == count_)
      done_->set_value(
          static_cast<double>(count_)
          / std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count());
    else if (sent_ < count_)
      fire(context);
  }

protected:
  /// Makes the request: an Echo, which an agent sends back without its mind.
  virtual envelope make() const {
    Echo echo;
    echo.mutable_bytes()->assign(100, 'x');
    return make_envelope(message_kind::request, target_, std::move(echo));
  }

  /// Whether the trace of that request is sampled.
  virtual bool samples(std::uint64_t number) const { return number % 100 == 0; }

  address target_;

private:
  void fire(step_context& context) {
    auto message = make();
    message.id = {session_, ++sent_};
    message.sender = self_;
    message.trace = {{session_.value, sent_}, {}, static_cast<std::uint8_t>(samples(sent_))};
    context.out.send(std::move(message));
  }

  address self_;
  session_id session_;
  std::uint64_t count_, window_, sent_ = 0, answered_ = 0;
  std::chrono::steady_clock::time_point begun_;
  std::promise<double>* done_;
};

/// The same, with messages for the agent's mind.
class message_driver : public driver {
public:
  using driver::driver;

protected:
  envelope make() const override {
    AgentMessage message;
    message.mutable_text()->assign(100, 'x');
    return make_envelope(message_kind::request, target_, std::move(message));
  }
};

/// A logic that runs as an agent of the node until it has put its figure into a promise.
class running_logic {
public:
  /// `make(promise)` makes the logic.
  template <class Make>
  running_logic(test::whole_node& node, const Make& make) {
    static int number = 0;
    name agent{"bench/" + std::to_string(++number)};
    auto place = address::of_agent(agent, node.mail().self());
    // Placed before it begins, so that its first answers find it.
    shell_ = node.system().spawn<logic_shell, caf::lazy_init>(node.host(), place, make(&done_));
    node.mail().place(agent, shell_);
  }
  ~running_logic() { caf::anon_send(shell_, atom::stop_v); }
  running_logic(const running_logic&) = delete;
  running_logic& operator=(const running_logic&) = delete;

  void begin() { caf::anon_send(shell_, atom::begin_v); }
  /// Waits for the figure.
  double figure() { return done_.get_future().get(); }

private:
  std::promise<double> done_;
  logic_actor shell_;
};

/// Runs one logic, and returns its figure.
template <class Logic, class... Args>
double drive(test::whole_node& node, Args... args) {
  running_logic running{node, [&](std::promise<double>* done) {
                          return std::make_unique<Logic>(std::move(args)..., done);
                        }};
  running.begin();
  return running.figure();
}

} // namespace troupe::bench
