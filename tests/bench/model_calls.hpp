#pragma once

#include "actors/logic.hpp"
#include "messages/models.pb.h"
#include "tests/bench/report.hpp"

#include <future>

namespace troupe::bench {

inline ModelRequest usual_question(const std::string& model) {
  ModelRequest asked;
  asked.set_model(model);
  asked.set_max_output_tokens(16);
  auto* system = asked.add_messages();
  system->set_role("system");
  system->set_content("You answer in one sentence.");
  auto* message = asked.add_messages();
  message->set_role("user");
  message->set_content("Where is the river that flows past the old town and its long garden?");
  return asked;
}

/// An agent that asks the models of its node, with `window` calls open, until `count` are answered.
class caller_of_models : public logic {
public:
  caller_of_models(address models, std::string model, std::uint64_t count, std::uint64_t window)
      : models_(std::move(models)), asked_(usual_question(model)), count_(count), window_(window) {}

  /// Such a call has a connection of its own.
  void ask_for_streams() { asked_.set_stream(true); }

  void start(step_context& context, const address& self) override {
    self_ = self;
    session_ = {context.random.next() | 1};
    begun();
    for (std::uint64_t i = 0; i < window_ && sent_ < count_; ++i)
      ask(context);
  }
  void step(step_context& context, event input) override {
    auto message = std::get_if<envelope>(&input);
    if (!message || message->kind != message_kind::reply)
      return;
    if (auto why = failure_in(*message))
      throw std::runtime_error(why->message);
    answered(message->id.sequence);
    if (++answered_ == count_)
      ended();
    else if (sent_ < count_)
      ask(context);
  }

protected:
  virtual void begun() {}
  virtual void asks(std::uint64_t) {}
  virtual void answered(std::uint64_t) {}
  virtual void ended() = 0;

  std::uint64_t count() const { return count_; }

private:
  void ask(step_context& context) {
    auto message = make_envelope(message_kind::request, models_, asked_);
    message.id = {session_, ++sent_};
    message.sender = self_;
    asks(sent_);
    context.out.send(std::move(message));
  }

  address models_, self_;
  ModelRequest asked_;
  session_id session_;
  std::uint64_t count_, window_, sent_ = 0, answered_ = 0;
};

/// Tells the median time of a call, in µs; one is open at a time.
class timed_caller final : public caller_of_models {
public:
  timed_caller(address models, std::string model, std::uint64_t count, std::promise<double>* done)
      : caller_of_models(std::move(models), std::move(model), count, 1), done_(done) {}

private:
  void asks(std::uint64_t) override { at_ = std::chrono::steady_clock::now(); }
  void answered(std::uint64_t) override { took_.push_back(seconds_since(at_) * 1e6); }
  void ended() override { done_->set_value(median(took_)); }

  std::chrono::steady_clock::time_point at_{};
  std::vector<double> took_;
  std::promise<double>* done_;
};

/// Tells how many seconds all calls took.
class counted_caller final : public caller_of_models {
public:
  counted_caller(address models, std::string model, std::uint64_t count, std::uint64_t window,
                 std::promise<double>* done)
      : caller_of_models(std::move(models), std::move(model), count, window), done_(done) {}

private:
  void begun() override { at_ = std::chrono::steady_clock::now(); }
  void ended() override { done_->set_value(seconds_since(at_)); }

  std::chrono::steady_clock::time_point at_{};
  std::promise<double>* done_;
};

} // namespace troupe::bench
