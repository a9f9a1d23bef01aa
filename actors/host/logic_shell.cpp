#include "actors/host/logic_shell.hpp"

#include "config/base/failpoint.hpp"
#include "config/limits/work.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <algorithm>

namespace troupe {

logic_shell::logic_shell(caf::actor_config& cfg, node_host& host, troupe::address self,
                         std::unique_ptr<logic> mind, std::vector<envelope> first)
    : shell(cfg, host, std::move(self)), mind_(std::move(mind)), first_(std::move(first)),
      debugs_(host_.log->wants(log_level::debug)) {
  set_down_handler([this](caf::down_msg& down) { child_is_down(down); });
}

/// A thread does one turn at a time. What a turn that ended by a fault of the host has left is not
/// this actor's.
void logic_shell::begin_turn() {
  thread_local wanted lent;
  wanted_ = &lent;
  if (lent.undelivered)
    lent = {};
  lent.undelivered = true;
  lent.out.leaves = false;
  lent.out.debugs = debugs_;
}

logic_shell::behavior_type logic_shell::make_behavior() {
  begin_turn();
  guarded([this](step_context& context) { mind_->start(context, self_); });
  if (!first_.empty()) {
    if (fault_.empty())
      deliver();
    for (auto& message : std::exchange(first_, {})) {
      work_on(message);
      deliver_if_enough();
    }
  }
  after_steps();
  return {
      [this](atom::tick, std::uint32_t, std::uint64_t generation) {
        begin_turn();
        if (generation == tick_generation_)
          on_tick();
      },
      [this](atom::stop) {
        begin_turn();
        stop();
      },
      [](atom::begin) {},
  };
}

/// One call into the logic. `after_steps` carries out its outputs.
template <class Call>
void logic_shell::guarded(Call&& call) {
  wanted_->undelivered = true;
  out().leaves = false; // a step came after the wish: it has something to do
  if (!std::exchange(time_is_fresh_, false))
    stepped_at_ = host_.clock.now();
  step_context context{stepped_at_, random_, out(), host_.within_steps};
  fault_ = fault_of([&] { call(context); });
}

void logic_shell::work_on(envelope& message) {
  if (came_around(message)) {
    wanted_->passed_on.push_back(message.target.agent);
    if (phase_ == phase::working)
      tell_of_end(message.target.agent);
  }
  if (phase_ != phase::working || !fault_.empty())
    return refuse_as_ended(message);
  if (failpoint_is_set) [[unlikely]]
    reach_failpoint("take", to_string(message.body.kind()));
  bool asked = message.kind == message_kind::request;
  // What an answer needs is kept aside in case the step fails while it owns the message.
  envelope failed;
  if (asked)
    failed = head_of(message);
  guarded([&](step_context& context) {
    mind_->step(context, event{std::in_place_type<envelope>, std::move(message)});
  });
  if (asked && !fault_.empty())
    out().send(
        reply_failure(failed, {ec::agent_failed, troupe::to_string(self_) + " failed: " + fault_}));
}

void logic_shell::work_on(event input) {
  if (phase_ == phase::working && fault_.empty())
    guarded([&](step_context& context) { mind_->step(context, std::move(input)); });
}

/// As part of the last step: a wish to leave stands.
void logic_shell::settle() {
  step_context context{stepped_at_, random_, out(), host_.within_steps};
  fault_ = fault_of([&] { mind_->settle(context); });
}

void logic_shell::work_off_burst() {
  begin_turn();
  stepped_at_ = host_.clock.now();
  time_is_fresh_ = true; // for the first step
  auto until = stepped_at_ + host_.burst_time_max;
  for (auto left = host_.burst_messages_max; left > 0; --left) {
    auto one = next_waiting();
    if (!one)
      break;
    taken(one->bytes);
    ++taken_so_far_;
    work_on(one->message);
    hear_of_ends();
    deliver_if_enough();
    if (stepped_at_ >= until || (phase_ == phase::working && !fault_.empty()))
      break;
  }
  time_is_fresh_ = false;
  bool ticks = has_come_again();
  after_steps(); // they may have cancelled what is due
  if (ticks && phase_ == phase::working)
    on_tick();
  sleep_if_empty();
}

/// Starts and stops of different steps must not be merged into one order.
void logic_shell::deliver_if_enough() {
  if (out().sends.size() >= limits::outputs_gathered_max || !out().starts.empty()
      || !out().stops.empty())
    deliver();
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
    if (fault_.empty())
      settle();
    if (fault_.empty() && out().leaves && self_.what != address::kind::agent)
      fault_ = "a service does not leave";
    if (!fault_.empty())
      fail();
  }
  deliver();
  if (phase_ == phase::working && out().leaves)
    leave_if_idle();
  end_if_drained();
}

/// The actor that takes this place starts its own children: it does not wait for these.
void logic_shell::fail() {
  out().log(log_level::error, "agent", troupe::to_string(self_) + " failed: " + fault_);
  auto fault = std::move(fault_);
  end_logic(); // if it cannot even stop, its callers still have deadlines
  fault_ = std::move(fault);
  stop_children();
  family_.reset();
  leave();
}

void logic_shell::stop() {
  if (phase_ != phase::working)
    return;
  end_logic();
  phase_ = phase::stopping;
  stop_children();
  if (!has_children())
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
    out().log(log_level::error, "agent",
              troupe::to_string(self_) + " failed while it was stopped: " + fault_);
  out().starts.clear();
  out().timers.clear();
  deliver();
  mind_.reset();
}

void logic_shell::stop_children() {
  if (family_)
    for (auto& [id, c] : family_->children)
      caf::anon_send(c.actor, atom::stop_v);
}

void logic_shell::leave() {
  phase_ = phase::leaving;
  close_inbox(!fault_.empty());
}

void logic_shell::end_if_drained() {
  if (phase_ == phase::leaving && drained() && !has_children())
    quit(reason_of_end(fault_));
}

void logic_shell::killed() {
  for (auto& message : std::exchange(first_, {}))
    refuse_as_ended(message);
  stop_children();
}

void logic_shell::deliver() {
  for (const auto& gone : out().stops)
    stop_child(gone);
  out().stops.clear();
  for (auto& fresh : out().starts)
    start_child(std::move(fresh));
  out().starts.clear();
  host_.carry_out(out(), context());
  for (const auto& agent : wanted_->passed_on)
    host_.post->came_around(agent, context());
  wanted_->passed_on.clear();
  if (!out().timers.empty()) {
    auto now = host_.clock.now();
    for (auto& t : out().timers)
      timers_.arm(t.id, now, t.after);
    out().timers.clear();
    schedule();
  }
  wanted_->undelivered = false;
}

void logic_shell::start_child(outputs::child fresh) {
  auto place = troupe::address::of_agent(fresh.agent, self_.node);
  // It begins only once it can be found: otherwise an answer to its first request would go astray.
  // It has its first messages by then, so nobody who finds it can get ahead of them.
  auto actor = system().spawn<logic_shell, caf::lazy_init>(host_, place, std::move(fresh.mind),
                                                           take_sends_to(fresh.agent));
  monitor(actor);
  host_.post->place(fresh.agent, actor);
  caf::anon_send(actor, atom::begin_v);
  if (!family_)
    family_ = std::make_unique<family>();
  auto id = actor.id();
  family_->ids.insert_or_assign(fresh.agent, id);
  family_->children.emplace(id, running_child{std::move(fresh.agent), std::move(actor)});
}

/// It may work for a long time before it hears of the stop, so it cannot be found from now on:
/// messages to its name go to the service that starts agents.
void logic_shell::stop_child(const troupe::name& agent) {
  if (!family_)
    return;
  auto known = family_->ids.find(agent);
  if (known == family_->ids.end())
    return;
  auto& stopped = family_->children.at(known->second);
  stopped.told = true;
  family_->ids.erase(known);
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
  auto first = std::stable_partition(out().sends.begin(), out().sends.end(), is_other);
  std::vector<envelope> taken{std::move_iterator{first}, std::move_iterator{out().sends.end()}};
  out().sends.erase(first, out().sends.end());
  return taken;
}

/// Tells the logic that an agent it started has ended, if so and if the logic was not told yet.
void logic_shell::tell_of_end(const troupe::name& agent) {
  if (!family_)
    return;
  auto known = family_->ids.find(agent);
  if (known == family_->ids.end())
    return;
  auto& one = family_->children.at(known->second);
  if (auto how = shell_of(one.actor).inbox().how_it_ended(); how != inbox_meter::ended::no)
    tell_of_end(one, how);
}

void logic_shell::tell_of_end(running_child& one, inbox_meter::ended how) {
  one.told = true;
  family_->ids.erase(one.agent);
  if (how == inbox_meter::ended::asked)
    work_on(child_ended{one.agent});
  else
    work_on(child_failed{one.agent, "it ended with a fault"});
}

/// CAF's notice does not wait in our list. What the child sent before its end comes before it.
void logic_shell::child_is_down(const caf::down_msg& down) {
  begin_turn();
  if (family_)
    family_->ends.push_back({down.source.id(), taken_so_far_ + inbox().messages()});
  hear_of_ends();
  after_steps();
}

void logic_shell::hear_of_ends() {
  if (!family_)
    return;
  auto& ends = family_->ends;
  while (!ends.empty() && ends.front().after <= taken_so_far_) {
    auto child = ends.front().child;
    ends.erase(ends.begin());
    child_has_ended(child);
  }
}

void logic_shell::child_has_ended(caf::actor_id child) {
  auto found = family_->children.find(child);
  if (found == family_->children.end())
    return;
  auto& one = found->second;
  if (!one.told)
    tell_of_end(one, shell_of(one.actor).inbox().how_it_ended());
  family_->children.erase(found);
  if (phase_ == phase::stopping && !has_children())
    leave();
}

/// CAF's clock is another thread: what is due already does not wait for it. It comes at the end of
/// a burst, so that what waits is worked on first, and other actors have their turn.
void logic_shell::schedule() {
  auto due = timers_.next();
  if (!due || (ticking_until_ && *ticking_until_ <= *due))
    return;
  ticking_until_ = due;
  ++tick_generation_;
  if (auto after = *due - host_.clock.now(); after.count() > 0)
    delayed_send(this, after, atom::tick_v, std::uint32_t{0}, tick_generation_);
  else
    come_again();
}

} // namespace troupe
