#include "actors/host/logic_shell.hpp"

#include "actors/host/mailbox_order.hpp"
#include "config/limits/work.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <algorithm>

namespace troupe {

logic_shell::logic_shell(caf::actor_config& cfg, node_host& host, troupe::address self,
                         std::unique_ptr<logic> mind, std::vector<envelope> first)
    : shell(cfg, host, std::move(self)), mind_(std::move(mind)), first_(std::move(first)) {
  out_.debugs = host_.log->wants(log_level::debug);
  set_down_handler([this](caf::down_msg& down) { child_is_down(down); });
}

logic_shell::behavior_type logic_shell::make_behavior() {
  guarded([this](step_context& context) { mind_->start(context, self_); });
  if (!first_.empty()) {
    if (fault_.empty())
      deliver();
    work_on_all(std::exchange(first_, {}));
  }
  after_steps();
  return {
      [this](parcel& one) {
        after_dequeue(this);
        taken(1, one.value.bytes);
        work_on(std::move(one.value.message));
        after_steps();
      },
      [this](parcels& many) {
        after_dequeue(this);
        taken(many.value.messages.size(), many.value.bytes);
        work_on_all(std::move(many.value.messages));
        after_steps();
      },
      [this](atom::tick, std::uint32_t, std::uint64_t generation) {
        if (generation == tick_generation_)
          on_tick();
      },
      [this](atom::stop) { stop(); },
      [](atom::begin) {},
  };
}

/// One call into the logic. `after_steps` carries out its outputs.
template <class Call>
void logic_shell::guarded(Call&& call) {
  out_.leaves = false; // a step came after the wish: it has something to do
  step_context context{host_.clock.now(), random_, out_, &host_.clock};
  fault_ = fault_of([&] { call(context); });
}

void logic_shell::work_on(envelope message) {
  if (came_around(message)) {
    passed_on_.push_back(message.target.agent);
    if (phase_ == phase::working)
      tell_of_end(message.target.agent);
  }
  if (phase_ != phase::working || !fault_.empty())
    return refuse_as_ended(message);
  bool asked = message.kind == message_kind::request;
  // What an answer needs is kept aside in case the step fails while it owns the message.
  envelope failed;
  if (asked)
    failed = head_of(message);
  guarded([&](step_context& context) { mind_->step(context, std::move(message)); });
  if (asked && !fault_.empty())
    out_.send(
        reply_failure(failed, {ec::agent_failed, troupe::to_string(self_) + " failed: " + fault_}));
}

void logic_shell::work_on(event input) {
  if (phase_ == phase::working && fault_.empty())
    guarded([&](step_context& context) { mind_->step(context, std::move(input)); });
}

void logic_shell::work_on_all(std::vector<envelope> messages) {
  for (auto& message : messages) {
    work_on(std::move(message));
    // Starts and stops of different steps must not be merged into one order.
    if (out_.sends.size() >= limits::outputs_gathered_max || !out_.starts.empty()
        || !out_.stops.empty())
      deliver();
  }
}

void logic_shell::on_tick() {
  ticking_until_.reset();
  while (auto timer = timers_.pop_due(host_.clock.now()))
    work_on(timer_fired{*timer});
  after_steps();
  if (phase_ == phase::working)
    schedule();
}

void logic_shell::after_steps() {
  if (phase_ == phase::working) {
    if (fault_.empty() && out_.leaves && self_.what != address::kind::agent)
      fault_ = "a service does not leave";
    if (!fault_.empty())
      fail();
  }
  deliver();
  if (phase_ == phase::working && out_.leaves)
    leave_if_idle();
  end_if_drained();
}

/// The actor that takes this place starts its own children: it does not wait for these.
void logic_shell::fail() {
  out_.log(log_level::error, "agent", troupe::to_string(self_) + " failed: " + fault_);
  auto fault = std::move(fault_);
  end_logic(); // if it cannot even stop, its callers still have deadlines
  fault_ = std::move(fault);
  stop_children();
  children_.clear();
  leave();
}

void logic_shell::stop() {
  if (phase_ != phase::working)
    return;
  end_logic();
  phase_ = phase::stopping;
  stop_children();
  if (children_.empty())
    leave();
  end_if_drained();
}

void logic_shell::leave_if_idle() {
  if (!close_inbox_if_empty())
    return; // the next step is for the waiting message
  end_logic();
  phase_ = phase::leaving;
  stop_children();
}

/// The logic's last word.
void logic_shell::end_logic() {
  guarded([this](step_context& context) { mind_->stop(context); });
  if (!fault_.empty())
    out_.log(log_level::error, "agent",
             troupe::to_string(self_) + " failed while it was stopped: " + fault_);
  out_.starts.clear();
  out_.timers.clear();
  deliver();
  mind_.reset();
}

void logic_shell::stop_children() {
  for (auto& [id, c] : children_)
    caf::anon_send(c.actor, atom::stop_v);
}

void logic_shell::leave() {
  phase_ = phase::leaving;
  close_inbox(!fault_.empty());
}

void logic_shell::end_if_drained() {
  if (phase_ == phase::leaving && drained() && children_.empty())
    quit(reason_of_end(fault_));
}

void logic_shell::killed() {
  for (auto& message : std::exchange(first_, {}))
    refuse_as_ended(message);
  stop_children();
}

void logic_shell::deliver() {
  for (const auto& gone : out_.stops)
    stop_child(gone);
  out_.stops.clear();
  for (auto& wanted : out_.starts)
    start_child(std::move(wanted));
  out_.starts.clear();
  host_.carry_out(out_, context());
  for (const auto& agent : passed_on_)
    host_.post->came_around(agent, context());
  passed_on_.clear();
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
  // It begins only once it can be found: otherwise an answer to its first request would go astray.
  // It has its first messages by then, so nobody who finds it can get ahead of them.
  auto actor = system().spawn<logic_shell, caf::lazy_init>(host_, place, std::move(wanted.mind),
                                                           take_sends_to(wanted.agent));
  monitor(actor);
  host_.post->place(wanted.agent, actor);
  caf::anon_send(actor, atom::begin_v);
  auto id = actor.id();
  ids_.insert_or_assign(wanted.agent, id);
  children_.emplace(id, running_child{std::move(wanted.agent), std::move(actor)});
}

/// It may work for a long time before it hears of the stop, so it cannot be found from now on:
/// messages to its name go to the service that starts agents.
void logic_shell::stop_child(const troupe::name& agent) {
  auto known = ids_.find(agent);
  if (known == ids_.end())
    return;
  auto& stopped = children_.at(known->second);
  stopped.told = true;
  ids_.erase(known);
  host_.post->remove(troupe::address::of_agent(agent), stopped.actor.id());
  caf::anon_send(stopped.actor, atom::stop_v);
}

/// The messages that this step sends to an agent of this node.
std::vector<envelope> logic_shell::take_sends_to(const troupe::name& agent) {
  auto is_other = [&](const envelope& message) {
    const auto& target = message.target;
    return target.what != address::kind::agent || target.agent != agent
           || (target.node && target.node != host_.post->self());
  };
  auto first = std::stable_partition(out_.sends.begin(), out_.sends.end(), is_other);
  std::vector<envelope> taken{std::move_iterator{first}, std::move_iterator{out_.sends.end()}};
  out_.sends.erase(first, out_.sends.end());
  return taken;
}

/// Tells the logic that an agent it started has ended, if so and if the logic was not told yet.
void logic_shell::tell_of_end(const troupe::name& agent) {
  auto known = ids_.find(agent);
  if (known == ids_.end())
    return;
  auto& one = children_.at(known->second);
  if (auto how = shell_of(one.actor).inbox().how_it_ended(); how != inbox_meter::ended::no)
    tell_of_end(one, how);
}

void logic_shell::tell_of_end(running_child& one, inbox_meter::ended how) {
  one.told = true;
  ids_.erase(one.agent);
  if (how == inbox_meter::ended::asked)
    work_on(child_ended{one.agent});
  else
    work_on(child_failed{one.agent, "it ended with a fault"});
}

void logic_shell::child_is_down(const caf::down_msg& down) {
  auto found = children_.find(down.source.id());
  if (found == children_.end())
    return;
  auto& one = found->second;
  if (!one.told)
    tell_of_end(one, shell_of(one.actor).inbox().how_it_ended());
  children_.erase(found);
  if (phase_ == phase::stopping && children_.empty())
    leave();
  after_steps();
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
