#include "actors/thread_shell_actor.hpp"

#include "actors/mailbox_order_actor.hpp"
#include "config/limits/work.hpp"

#include <caf/send.hpp>

namespace troupe {

thread_shell::thread_shell(caf::actor_config& cfg, node_host& host, troupe::address self,
                           std::unique_ptr<logic> mind)
    : logic_actor::base(cfg), host_(host), self_(std::move(self)), mind_(std::move(mind)) {}

thread_shell::~thread_shell() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  wake_.notify_one();
  if (!thread_.joinable())
    return;
  if (thread_.get_id() == std::this_thread::get_id())
    thread_.detach(); // the thread itself held the last reference, at its very end
  else
    thread_.join();
}

thread_shell::behavior_type thread_shell::make_behavior() {
  thread_ = std::thread{[this, shell = caf::actor_cast<caf::actor_addr>(this)] { run(shell); }};
  return {
      [this](parcel& one) {
        after_dequeue(this);
        pass_on(std::move(one.value));
      },
      [this](parcels& many) {
        after_dequeue(this);
        for (auto& message : many.value)
          pass_on(std::move(message));
      },
      // The thread has ended, asked or by a fault.
      [this](atom::tick, std::uint32_t, std::uint64_t) { leave(); },
      [this](atom::stop) {
        std::lock_guard guard{mutex_};
        stopping_ = true;
        wake_.notify_one();
      },
      [](atom::begin) {},
      [this](atom::leave) { quit(reason_of_end(fault_)); },
  };
}

void thread_shell::pass_on(envelope message) {
  if (ended_)
    return refuse(message,
                  {ec::unavailable, troupe::to_string(self_) + " has ended; send it again"});
  {
    std::lock_guard guard{mutex_};
    if (inbox_.size() < limits::thread_inbox_max) {
      inbox_.push_back({std::move(message), host_.clock.now()});
      wake_.notify_one();
      return;
    }
  }
  refuse(message,
         {ec::overloaded, troupe::to_string(self_) + " has too much to do; try again later"});
}

void thread_shell::refuse(const envelope& message, const failure& why) {
  if (message.kind == message_kind::request)
    host_.post->send(reply_failure(message, why), context());
}

/// Answers who waited in vain. What was sent before nobody could find it is ahead of `leave`.
void thread_shell::leave() {
  thread_.join();
  ended_ = true;
  for (auto& one : std::exchange(inbox_, {}))
    pass_on(std::move(one.message));
  host_.post->remove(self_, id());
  caf::anon_send(this, atom::leave_v);
}

/// Waits for a message or a timer. False: it is time to stop.
bool thread_shell::next(std::optional<waiting>& message) {
  std::unique_lock guard{mutex_};
  auto something = [this] { return stopping_ || !inbox_.empty(); };
  if (auto due = timers_.next())
    wake_.wait_for(guard, std::max(*due - host_.clock.now(), std::chrono::nanoseconds{0}),
                   something);
  else
    wake_.wait(guard, something);
  if (stopping_)
    return false;
  if (!inbox_.empty()) {
    message = std::move(inbox_.front());
    inbox_.pop_front();
  }
  return true;
}

/// One call into the logic; false after a fault.
bool thread_shell::step(const std::function<void(step_context&)>& call) {
  step_context context{host_.clock.now(), random_, out_};
  auto fault = fault_of([&] { call(context); });
  for (auto& t : out_.timers)
    timers_.arm(t.id, context.now, t.after);
  out_.timers.clear();
  host_.carry_out(out_, nullptr);
  if (fault.empty())
    return true;
  host_.log->write({log_level::error, "agent", troupe::to_string(self_) + " failed: " + fault, {}});
  std::lock_guard guard{mutex_};
  fault_ = fault;
  return false;
}

bool thread_shell::fire_timers() {
  while (auto timer = timers_.pop_due(host_.clock.now()))
    if (!step([&](step_context& context) { mind_->step(context, timer_fired{*timer}); }))
      return false;
  return true;
}

/// Whoever asked has given up: an overload must not be worked off for nobody.
bool thread_shell::is_too_late(waiting& one) {
  auto& message = one.message;
  if (message.kind != message_kind::request || message.remaining.count() <= 0)
    return false;
  auto waited =
      std::chrono::duration_cast<std::chrono::milliseconds>(host_.clock.now() - one.since);
  if (waited < message.remaining) {
    message.remaining -= waited;
    return false;
  }
  host_.counted.plain().envelopes_expired.fetch_add(1, std::memory_order_relaxed);
  host_.post->send(reply_failure(message, {ec::timed_out, troupe::to_string(self_)
                                                              + " had too much to do: the request "
                                                                "waited for all of its time"}));
  return true;
}

bool thread_shell::work_on(envelope message) {
  auto request = head_of(message);
  if (step([&](step_context& context) { mind_->step(context, std::move(message)); }))
    return true;
  if (request.kind == message_kind::request)
    host_.post->send(reply_failure(
        request, {ec::agent_failed, troupe::to_string(self_) + " failed: " + fault_}));
  return false;
}

void thread_shell::run(const caf::actor_addr& shell) {
  bool sound = step([this](step_context& context) { mind_->start(context, self_); });
  for (std::optional<waiting> message; sound && next(message); message.reset()) {
    sound = fire_timers();
    if (message && sound) {
      sound = is_too_late(*message) || work_on(std::move(message->message));
    } else if (message) {
      std::lock_guard guard{mutex_};
      inbox_.push_front(std::move(*message));
    }
  }
  step([this](step_context& context) { mind_->stop(context); });
  mind_.reset();
  if (auto there = caf::actor_cast<logic_actor>(caf::actor_cast<caf::strong_actor_ptr>(shell)))
    caf::anon_send(there, atom::tick_v, std::uint32_t{0}, std::uint64_t{0});
}

} // namespace troupe
