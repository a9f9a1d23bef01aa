#pragma once

#include "actors/host/logic_shell.hpp"
#include "actors/host/node_host.hpp"
#include "actors/host/parking_scheduler.hpp"
#include "actors/host/thread_shell.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>

namespace troupe::test {

using namespace std::chrono_literals;

/// Passes values from threads to the test, which waits for them with a deadline.
template <class T>
class handed_over {
public:
  void put(T value) {
    std::lock_guard guard{mutex_};
    values_.push_back(std::move(value));
    came_.notify_all();
  }
  /// The next value; nothing after half a minute.
  std::optional<T> take() {
    std::unique_lock guard{mutex_};
    if (!came_.wait_for(guard, 30s, [this] { return !values_.empty(); }))
      return std::nullopt;
    auto value = std::move(values_.front());
    values_.pop_front();
    return value;
  }
  bool empty() {
    std::lock_guard guard{mutex_};
    return values_.empty();
  }

private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<T> values_;
};

/// A logic made of functions.
class scripted : public logic {
public:
  std::function<void(step_context&, const address&)> on_start = [](auto&, auto&) {};
  std::function<void(step_context&, event)> on_step = [](auto&, event) {};
  std::function<void(step_context&)> on_settle = [](auto&) {};
  std::function<void(step_context&)> on_stop = [](auto&) {};

  void start(step_context& context, const address& self) override { on_start(context, self); }
  void step(step_context& context, event input) override { on_step(context, std::move(input)); }
  void settle(step_context& context) override { on_settle(context); }
  void stop(step_context& context) override { on_stop(context); }
};

/// Answers an Echo itself. The text "fail" makes it throw; "hold" makes it wait until it is
/// stopped.
std::unique_ptr<scripted> answering();

/// The same, but it starts only when `go` is set. Messages sent before are then in its mailbox.
std::unique_ptr<scripted> answering_after(std::shared_future<void> go);

/// An actor system with a post, and an actor in it that receives for the test.
class stage : public testing::Test {
protected:
  stage();
  ~stage() override;

  /// Runs `mind` as that agent or service, placed in the post.
  template <class Shell = logic_shell>
  logic_actor run(const address& place, std::unique_ptr<logic> mind) {
    auto shell = system_.spawn<Shell, caf::lazy_init>(host_, place, std::move(mind));
    if (place.what == address::kind::service)
      host_.post->place(place.svc, shell);
    else
      host_.post->place(place.agent, shell);
    caf::anon_send(shell, atom::begin_v);
    return shell;
  }

  /// Waits for the end of an actor and returns its exit reason.
  template <class Actor>
  std::future<caf::error> end_of(const Actor& actor) {
    auto done = std::make_shared<std::promise<caf::error>>();
    actor->attach_functor([done](const caf::error& why) { done->set_value(why); });
    return done->get_future();
  }

  /// Asks an actor to stop and waits for its end.
  template <class Actor>
  void stop(const Actor& actor) {
    auto ended = end_of(actor);
    caf::anon_send(actor, atom::stop_v);
    EXPECT_EQ(ended.wait_for(10s), std::future_status::ready);
  }

  /// Sends a request in the test's name and returns its number. Zero as the time means no limit.
  std::uint64_t ask(const address& whom, std::string text,
                    std::chrono::milliseconds remaining = {});
  void tell(const address& whom, std::string text);

  /// A reply: its number and its text, or its error code.
  struct answer {
    std::uint64_t number = 0;
    std::string text;
    ec code = ec::none;
    friend void PrintTo(const answer& a, std::ostream* out) {
      *out << a.number << " '" << a.text << "' " << to_string(a.code);
    }
  };
  answer next_answer();

  static address agent(std::string_view text) { return address::of_agent(name{text}, self); }

  static constexpr node_id self{1, 1};
  handed_over<envelope> received_;
  /// What a test's logics tell it. Here because their threads may end after the test's own members.
  handed_over<std::string> happened_;
  node_host host_;
  caf::actor_system_config cfg_;
  caf::actor_system system_;
  logic_actor receiver_;
  std::uint64_t asked_ = 0;
};

MATCHER_P2(answers, number, text, "") { return arg.number == number && arg.text == text; }
MATCHER_P2(refuses, number, code, "") { return arg.number == number && arg.code == code; }

} // namespace troupe::test
