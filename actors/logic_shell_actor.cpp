#include "actors/logic_shell_actor.hpp"

#include "actors/mailbox_order_actor.hpp"
#include "config/limits/work.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

namespace troupe {

logic_shell::logic_shell(caf::actor_config& cfg, node_host& host, troupe::address self,
                         std::unique_ptr<logic> mind)
    : logic_actor::base(cfg), host_(host), self_(std::move(self)), mind_(std::move(mind)) {
  set_down_handler([this](caf::down_msg& down) { child_ended(down); });
}

logic_shell::behavior_type logic_shell::make_behavior() {
  guarded([this](step_context& context) { mind_->start(context, self_); });
  after_steps();
  return {
      [this](parcel& one) {
        after_dequeue(this);
        work_on(std::move(one.value));
        after_steps();
      },
      [this](parcels& many) {
        after_dequeue(this);
        for (auto& message : many.value) {
          work_on(std::move(message));
          // Starts and stops of different steps must not be put into one order.
          if (out_.sends.size() >= limits::outputs_gathered_max || !out_.starts.empty()
              || !out_.stops.empty())
            deliver();
        }
        after_steps();
      },
      [this](atom::tick, std::uint32_t, std::uint64_t generation) {
        if (generation == tick_generation_)
          on_tick();
      },
      [this](atom::stop) { finish(); },
      [](atom::begin) {},
      [this](atom::leave) { quit(reason_of_end(fault_)); },
  };
}

/// One call into the logic. What it wants is carried out by `after_steps`.
template <class Call>
void logic_shell::guarded(Call&& call) {
  step_context context{host_.clock.now(), random_, out_};
  fault_ = fault_of([&] { call(context); });
}

void logic_shell::work_on(envelope message) {
  bool asked = message.kind == message_kind::request;
  if (ending_ || !fault_.empty()) {
    if (asked)
      out_.send(reply_failure(
          message, {ec::unavailable, troupe::to_string(self_) + " has ended; send it again"}));
    return;
  }
  // What an answer needs is kept aside, for the case that the step fails while it owns the message.
  envelope failed;
  if (asked)
    failed = head_of(message);
  guarded([&](step_context& context) { mind_->step(context, std::move(message)); });
  if (asked && !fault_.empty())
    out_.send(
        reply_failure(failed, {ec::agent_failed, troupe::to_string(self_) + " failed: " + fault_}));
}

void logic_shell::work_on(event input) {
  if (!ending_ && fault_.empty())
    guarded([&](step_context& context) { mind_->step(context, std::move(input)); });
}

void logic_shell::on_tick() {
  ticking_until_.reset();
  while (auto timer = timers_.pop_due(host_.clock.now()))
    work_on(timer_fired{*timer});
  after_steps();
  if (!ending_)
    schedule();
}

void logic_shell::after_steps() {
  if (!fault_.empty() && !ending_)
    fail();
  deliver();
}

void logic_shell::fail() {
  ending_ = true;
  out_.log(log_level::error, "agent", troupe::to_string(self_) + " failed: " + fault_);
  step_context context{host_.clock.now(), random_, out_};
  fault_of([&] { mind_->stop(context); }); // if it cannot even stop, its callers have deadlines
  out_.starts.clear();
  mind_.reset();
  stop_children(); // whoever takes this place starts its own
  leave();
}

void logic_shell::finish() {
  if (ending_)
    return;
  guarded([this](step_context& context) { mind_->stop(context); });
  out_.starts.clear();
  deliver();
  mind_.reset();
  ending_ = true;
  stop_children();
  if (children_.empty())
    leave();
}

void logic_shell::stop_children() {
  for (auto& [id, c] : children_)
    caf::anon_send(c.actor, atom::stop_v);
}

void logic_shell::on_exit() {
  if (ending_)
    return;
  host_.post->remove(self_, id()); // it was killed
  stop_children();
}

/// From now on nobody finds it; what was sent to it before is ahead of `leave` in its mailbox.
void logic_shell::leave() {
  host_.post->remove(self_, id());
  caf::anon_send(this, atom::leave_v);
}

void logic_shell::deliver() {
  for (const auto& gone : out_.stops)
    stop_child(gone);
  out_.stops.clear();
  for (auto& wanted : out_.starts)
    start_child(std::move(wanted));
  out_.starts.clear();
  host_.carry_out(out_, context());
  if (!out_.timers.empty()) {
    auto now = host_.clock.now();
    for (auto& t : out_.timers)
      timers_.arm(t.id, now, t.after);
    out_.timers.clear();
    schedule();
  }
}

void logic_shell::start_child(outputs::child wanted) {
  auto place = troupe::address::of_agent(wanted.agent, self_.node);
  // It begins only when it can be found: an answer to its first request would else go astray.
  auto actor = system().spawn<logic_shell, caf::lazy_init>(host_, place, std::move(wanted.mind));
  monitor(actor);
  host_.post->place(wanted.agent, actor);
  caf::anon_send(actor, atom::begin_v);
  auto id = actor.id();
  children_.emplace(id, child{std::move(wanted.agent), std::move(actor)});
}

/// It may be at work for long before it hears of it, so nobody finds it from now on: what is sent
/// to its name goes to who starts agents.
void logic_shell::stop_child(const troupe::name& agent) {
  auto active = host_.post->find(agent);
  auto found = active ? children_.find(active.id()) : children_.end();
  if (found == children_.end())
    return;
  found->second.stopped = true;
  host_.post->remove(troupe::address::of_agent(agent), found->first);
  caf::anon_send(found->second.actor, atom::stop_v);
}

void logic_shell::child_ended(const caf::down_msg& down) {
  auto found = children_.find(down.source.id());
  if (found == children_.end())
    return;
  auto ended = std::move(found->second);
  children_.erase(found);
  host_.post->remove(troupe::address::of_agent(ended.agent), down.source.id()); // if it was killed
  if (ending_) {
    if (children_.empty() && fault_.empty())
      leave();
  } else if (down.reason && down.reason != caf::exit_reason::user_shutdown && !ended.stopped) {
    work_on(child_failed{std::move(ended.agent), "it ended with a fault"});
    after_steps();
  }
}

void logic_shell::schedule() {
  auto due = timers_.next();
  if (!due || (ticking_until_ && *ticking_until_ <= *due))
    return;
  ticking_until_ = due;
  auto after = std::max(*due - host_.clock.now(), std::chrono::nanoseconds{0});
  delayed_send(this, after, atom::tick_v, std::uint32_t{0}, ++tick_generation_);
}

} // namespace troupe
