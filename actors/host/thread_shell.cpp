#include "actors/host/thread_shell.hpp"

#include "config/base/failpoint.hpp"
#include "config/base/invariants.hpp"

#include <caf/send.hpp>

#include <utility>

namespace troupe {

thread_shell::thread_shell(caf::actor_config& cfg, node_host& host, troupe::address self,
                           std::unique_ptr<logic> mind)
    : shell(cfg, host, std::move(self)), mind_(std::move(mind)) {
  out_.debugs = host_.log->wants(log_level::debug);
}

thread_shell::~thread_shell() {
  // Not joined: the actor was killed, and this is its thread, which held the last reference.
  if (thread_.joinable())
    thread_.detach();
}

thread_shell::behavior_type thread_shell::make_behavior() {
  begin();
  return {
      // The thread has ended, on request or by a fault.
      [this](atom::tick, std::uint32_t, std::uint64_t) { leave(); },
      [this](atom::stop) { ask_to_stop(); },
      [](atom::begin) {},
  };
}

void thread_shell::begin() {
  auto run_all = [self = caf::strong_actor_ptr{ctrl()}, this, threads = host_.threads]() mutable {
    run();
    self = nullptr; // the last reference, if it was killed
    threads->ended();
  };
  host_.threads->begun();
  auto fault = fault_of([&] { thread_ = std::thread{std::move(run_all)}; });
  if (fault.empty())
    return;
  host_.threads->ended();
  phase_ = phase::ended;
  fault_ = "it has no thread: " + fault;
  host_.log->write({log_level::error, "agent", troupe::to_string(self_) + ": " + fault_, {}});
  close_inbox(true);
  end_if_drained();
}

void thread_shell::ask_to_stop() {
  std::lock_guard guard{mutex_};
  if (phase_ == phase::working)
    phase_ = phase::stopping;
  wake_.notify_one();
}

void thread_shell::work_off_burst() {
  for (auto left = host_.burst_messages_max; left > 0; --left) {
    auto one = next_waiting();
    if (!one)
      break;
    pass_on(std::move(one->message), one->bytes);
  }
  end_if_drained();
  sleep_if_empty();
}

/// Passes it to the thread. The mailbox stays charged until the thread takes it up.
void thread_shell::pass_on(envelope message, std::size_t bytes) {
  if (closed()) {
    taken(bytes);
    return refuse_as_ended(message);
  }
  std::lock_guard guard{mutex_};
  check_invariants(*this);
  waiting_.push_back({std::move(message), bytes, host_.clock.now()});
  wake_.notify_one();
}

void thread_shell::leave() {
  if (!thread_.joinable())
    return;
  thread_.join();
  close_inbox(!fault_.empty());
  refuse_what_waits();
  end_if_drained();
}

void thread_shell::refuse_what_waits() {
  std::deque<queued_message> left;
  {
    std::lock_guard guard{mutex_};
    left.swap(waiting_);
  }
  for (auto& one : left) {
    taken(one.bytes);
    refuse_as_ended(one.message);
  }
}

void thread_shell::end_if_drained() {
  if (drained())
    quit(reason_of_end(fault_));
}

void thread_shell::killed() {
  ask_to_stop();
  refuse_what_waits();
}

bool thread_shell::invariants() const {
  switch (phase_) {
    case phase::working:
      return fault_.empty() && !closed();
    case phase::stopping:
      return true;
    case phase::ended:
      return !mind_ || !thread_.joinable();
  }
  return false;
}

/// Waits for a message or a timer. False: it is time to stop.
bool thread_shell::next(std::optional<queued_message>& message) {
  std::unique_lock guard{mutex_};
  auto something = [this] { return phase_ != phase::working || !waiting_.empty(); };
  if (auto due = timers_.next())
    wake_.wait_for(guard, std::max(*due - host_.clock.now(), std::chrono::nanoseconds{0}),
                   something);
  else
    wake_.wait(guard, something);
  if (phase_ != phase::working)
    return false;
  if (waiting_.empty())
    return true;
  message = std::move(waiting_.front());
  waiting_.pop_front();
  guard.unlock();
  inbox().leave(1, message->bytes);
  return true;
}

bool thread_shell::nothing_waits() {
  std::lock_guard guard{mutex_};
  return waiting_.empty();
}

/// One call into the logic; false after a fault.
bool thread_shell::step(const std::function<void(step_context&)>& call) {
  step_context context{host_.clock.now(), random_, out_, host_.within_steps};
  auto fault = fault_of([&] { call(context); });
  for (auto& t : out_.timers)
    timers_.arm(t.id, context.now, t.after);
  out_.timers.clear();
  host_.carry_out(out_, nullptr);
  if (fault.empty())
    return true;
  host_.log->write({log_level::error, "agent", troupe::to_string(self_) + " failed: " + fault, {}});
  std::lock_guard guard{mutex_};
  phase_ = phase::stopping;
  fault_ = fault;
  return false;
}

bool thread_shell::fire_timers() {
  while (auto timer = timers_.pop_due(host_.clock.now()))
    if (!step([&](step_context& context) { mind_->step(context, timer_fired{*timer}); }))
      return false;
  return true;
}

/// The asker has given up: an overload must not be worked off for nobody.
bool thread_shell::is_too_late(queued_message& one) {
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
  if (failpoint_is_set) [[unlikely]]
    reach_failpoint("take", to_string(message.body.kind()));
  auto request = head_of(message);
  if (step([&](step_context& context) { mind_->step(context, std::move(message)); }))
    return true;
  if (request.kind == message_kind::request)
    host_.post->send(reply_failure(
        request, {ec::agent_failed, troupe::to_string(self_) + " failed: " + fault_}));
  return false;
}

void thread_shell::run() {
  bool sound = step([this](step_context& context) { mind_->start(context, self_); });
  std::size_t unsettled = 0;
  for (std::optional<queued_message> message; sound && next(message); message.reset()) {
    sound = fire_timers();
    if (message && sound)
      sound = is_too_late(*message) || work_on(std::move(message->message));
    else if (message)
      refuse_as_ended(message->message);
    if (sound && (++unsettled >= host_.burst_messages_max || nothing_waits())) {
      sound = step([this](step_context& context) { mind_->settle(context); });
      unsettled = 0;
    }
  }
  step([this](step_context& context) { mind_->stop(context); });
  mind_.reset();
  {
    std::lock_guard guard{mutex_};
    phase_ = phase::ended;
  }
  caf::anon_send(caf::actor_cast<logic_actor>(this), atom::tick_v, std::uint32_t{0},
                 std::uint64_t{0});
}

} // namespace troupe
