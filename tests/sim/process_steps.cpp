// A simulated node's logics take their turns.

#include "actors/agents/agent_logic.hpp"
#include "actors/agents/roles_logic.hpp"
#include "actors/coordination/coordinator_logic.hpp"
#include "actors/coordination/queue_logic.hpp"
#include "actors/message_title.hpp"
#include "config/limits/mailboxes.hpp"
#include "tests/sim/process.hpp"

#include <algorithm>
#include <stdexcept>

namespace troupe::sim {

namespace {

/// When a step that is to fail does so.
enum class failing { never, before, within, after };

struct injected final : std::runtime_error {
  injected() : std::runtime_error{"the simulator lets this step fail"} {}
};

/// Lets a step fail in its middle: where it asks its host for a random number or for the time. What
/// it has said by then is said, and what it had not done is not done.
class failing_host final : public random_source, public time_source {
public:
  failing_host(random_source& random, instant now, std::uint64_t good)
      : random_(random), now_(now), good_(good) {}
  std::uint64_t next() override {
    count();
    return random_.next();
  }
  instant now() const override {
    count();
    return now_;
  }

private:
  void count() const {
    if (good_-- == 0)
      throw injected{};
  }

  random_source& random_;
  instant now_;
  mutable std::uint64_t good_; ///< questions that it still answers
};

bool came_round(const place& whom, const envelope& message) {
  return whom.self.what == address::kind::service && message.target.what == address::kind::agent;
}

template <class Logic>
bool contradicts(const logic& mind) {
  auto known = dynamic_cast<const Logic*>(&mind);
  return known && !known->invariants();
}

} // namespace

void process::wake(const shell& whom) {
  if (whom->awake || dead_)
    return;
  whom->awake = true;
  auto after =
      on_.turn_min == on_.turn_max ? on_.turn_min : on_.fate.between(on_.turn_min, on_.turn_max);
  later(after, [this, whom] { turn(whom); });
}

void process::turn(const shell& whom) {
  whom->awake = false;
  if (whom->now == place::phase::new_born)
    begin(whom);
  if (!whom->inbox.empty() && !dead_) {
    auto next = std::move(whom->inbox.front());
    whom->inbox.pop_front();
    if (auto message = std::get_if<place::message>(&next)) {
      work_on(whom, std::move(*message));
    } else if (whom->now != place::phase::over) {
      if (auto end = std::get_if<place::end_of_child>(&next)) {
        tell_of_end(whom, std::string{end->agent.text()});
      } else {
        end_logic(whom);
        is_over(whom, false, "it was asked to");
      }
    }
  }
  if (!whom->inbox.empty())
    wake(whom);
}

void process::begin(const shell& whom) {
  whom->now = place::phase::working;
  outputs out;
  auto fault = guarded(*whom, out, false,
                       [&](step_context& context) { whom->mind->start(context, whom->self); });
  after_step(whom, out, std::move(fault));
}

void process::work_on(const shell& whom, place::message message) {
  if (message.bytes > 0) {
    --whom->messages;
    whom->bytes -= message.bytes;
  }
  auto& content = message.content;
  bool around = came_round(*whom, content);
  auto agent = content.target.agent;
  if (around && whom->now == place::phase::working)
    tell_of_end(whom, std::string{agent.text()});
  if (whom->now != place::phase::working) {
    refuse_as_ended(*whom, content);
  } else if (!is_too_late(*whom, message)) {
    auto head = head_of(content);
    step(whom, std::move(content), &head);
  }
  if (around)
    came_around(agent);
}

/// As a thread_shell does: an overload must not be worked off for nobody.
bool process::is_too_late(const place& whom, const place::message& message) {
  const auto& content = message.content;
  if (!whom.own_thread || content.kind != message_kind::request || content.remaining.count() <= 0
      || now() - message.since < content.remaining)
    return false;
  refuse(content, {ec::timed_out, to_string(whom.self)
                                      + " had too much to do: the request waited for all of its "
                                        "time"});
  return true;
}

/// Such a message comes round because of that end, which must be known before.
void process::tell_of_end(const shell& whom, const std::string& agent) {
  auto known = whom->untold.find(agent);
  if (known == whom->untold.end())
    return;
  auto end = std::move(known->second);
  whom->untold.erase(known);
  if (end.failed)
    step(whom, child_failed{end.agent, end.why}, nullptr);
  else
    step(whom, child_ended{end.agent}, nullptr);
}

/// One call into the logic. Returns what went wrong in it.
template <class Call>
std::string process::guarded(place& whom, outputs& out, bool may_fail, Call&& call) {
  auto when = failing::never;
  if (may_fail && on_.fate.once_in(on_.faults.throws_once_in)) {
    when = static_cast<failing>(1 + on_.fate.below(3));
    ++on_.failed_steps;
  }
  out.debugs = on_.debugs;
  step_context context{now(), on_.chance, out};
  failing_host fails{on_.chance, now(), when == failing::within ? on_.fate.below(3) : 0};
  step_context cut_short{now(), fails, out, &fails};
  try {
    if (when == failing::before)
      throw injected{};
    call(when == failing::within ? cut_short : context);
    if (when != failing::never)
      throw injected{};
  } catch (const process_ends& end) {
    end_process(end.silent);
  } catch (const std::exception& wrong) {
    tell(to_string(whom.self) + " fails: " + wrong.what());
    return wrong.what();
  }
  return {};
}

void process::step(const shell& whom, event input, const envelope* asked) {
  note_step(*whom, input);
  outputs out;
  auto fault = guarded(*whom, out, true,
                       [&](step_context& context) { whom->mind->step(context, std::move(input)); });
  if (asked && asked->kind == message_kind::request && !fault.empty())
    out.send(
        reply_failure(*asked, {ec::agent_failed, to_string(whom->self) + " failed: " + fault}));
  after_step(whom, out, std::move(fault));
}

void process::after_step(const shell& whom, outputs& out, std::string fault) {
  if (dead_)
    return;
  bool leaves = out.leaves;
  if (fault.empty() && leaves && whom->self.what != address::kind::agent)
    fault = "a service does not leave";
  if (fault.empty() && on_.checks)
    check(*whom);
  carry_out(whom, out);
  if (!fault.empty())
    fail(whom, fault);
  else if (leaves)
    leave_if_idle(whom);
  else
    settle_if_quiet(whom);
}

/// As the shells of a node do.
void process::settle_if_quiet(const shell& whom) {
  if (whom->now != place::phase::working
      || (!whom->inbox.empty() && ++whom->unsettled < limits::burst_messages_max))
    return;
  whom->unsettled = 0;
  outputs out;
  auto fault = guarded(*whom, out, whom->own_thread,
                       [&](step_context& context) { whom->mind->settle(context); });
  if (dead_)
    return;
  carry_out(whom, out);
  if (!fault.empty())
    fail(whom, fault);
}

void process::carry_out(const shell& whom, outputs& out) {
  if (on_.trace)
    for (const auto& line : out.logs)
      tell("  " + std::string{line.component} + ": " + line.text);
  for (const auto& gone : out.stops)
    stop_child(*whom, gone);
  for (auto& wanted : out.starts)
    start_child(whom, std::move(wanted), out);
  for (auto& message : out.sends) {
    if (on_.sees)
      on_.sees(message, id_);
    post(std::move(message));
  }
  if (out.timers.empty())
    return;
  for (auto& t : out.timers)
    whom->timers.arm(t.id, now(), t.after);
  schedule(whom);
}

/// It gets the messages that this step sends to it before all others.
void process::start_child(const shell& whom, outputs::child wanted, outputs& out) {
  auto made = std::make_shared<place>();
  made->self = address::of_agent(wanted.agent, id_);
  made->mind = std::move(wanted.mind);
  made->started_by = whom;
  auto is_other = [&](const envelope& message) {
    const auto& target = message.target;
    return target.what != address::kind::agent || target.agent != wanted.agent
           || (target.node && target.node != id_);
  };
  auto first = std::stable_partition(out.sends.begin(), out.sends.end(), is_other);
  for (auto at = first; at != out.sends.end(); ++at)
    made->inbox.emplace_back(place::message{std::move(*at), now(), 0});
  out.sends.erase(first, out.sends.end());
  directory_[wanted.agent].active = made;
  whom->children.insert_or_assign(std::string{wanted.agent.text()}, made);
  wake(made);
}

void process::stop_child(place& whom, const name& agent) {
  std::string called{agent.text()};
  whom.untold.erase(called);
  auto known = whom.children.find(called);
  if (known == whom.children.end())
    return;
  auto stopped = known->second.lock();
  whom.children.erase(known);
  if (!stopped || stopped->now == place::phase::over)
    return;
  remove(*stopped);
  ask_to_stop(stopped);
}

void process::schedule(const shell& whom) {
  auto due = whom->timers.next();
  if (!due || (whom->ticking_until && *whom->ticking_until <= *due))
    return;
  whom->ticking_until = due;
  auto generation = ++whom->tick_generation;
  later(*due - now(), [this, whom, generation] {
    if (generation == whom->tick_generation)
      on_tick(whom);
  });
}

void process::on_tick(const shell& whom) {
  whom->ticking_until.reset();
  while (whom->now == place::phase::working && !dead_) {
    auto timer = whom->timers.pop_due(now());
    if (!timer)
      break;
    step(whom, timer_fired{*timer}, nullptr);
  }
  if (whom->now == place::phase::working)
    schedule(whom);
}

void process::note_step(const place& whom, const event& input) {
  ++on_.steps;
  auto message = std::get_if<envelope>(&input);
  on_.mix(setup_.at + 1);
  on_.mix(message ? static_cast<std::uint64_t>(message->body.kind()) : 1000 + input.index());
  on_.mix(message ? message->id.sequence : 0);
  on_.mix(static_cast<std::uint64_t>(now().time_since_epoch().count()));
  if (!on_.trace)
    return;
  auto what = message ? std::string{to_string(message->body.kind())} + " "
                            + std::to_string(static_cast<int>(message->kind)) + " of "
                            + to_string(message->sender) + ", " + message_title(message->id)
              : input.index() == 1 ? std::string{"a timer"}
                                   : std::string{"the end of a child"};
  tell(to_string(whom.self) + " <- " + what);
}

void process::check(const place& whom) {
  const auto& mind = *whom.mind;
  if (contradicts<agent_logic>(mind) || contradicts<roles_logic>(mind)
      || contradicts<queue_logic>(mind) || contradicts<coordinator_logic>(mind))
    defect("the invariants of " + to_string(whom.self) + " do not hold");
}

} // namespace troupe::sim
