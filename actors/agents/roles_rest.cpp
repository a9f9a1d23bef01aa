// How agents with nothing to do leave, and how room is made when too many are active.

#include "actors/agents/roles_logic.hpp"
#include "messages/agents.pb.h"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

constexpr std::uint32_t idle_timer = 1;

} // namespace

/// Nothing: an agent of this role never leaves, because its state is nowhere else.
std::optional<std::chrono::nanoseconds> roles_logic::idle_of(const role& kind) const {
  if (kind.idle)
    return *kind.idle;
  if (kind.durable || !kind.remembers)
    return options_.idle;
  return std::nullopt;
}

void roles_logic::file(const name& agent, active_agent& who, instant due) {
  who.rest = rest_state::filed;
  who.filed = wheel_.file(agent, due);
}

/// One timer, for the first of them; none if there are no agents.
void roles_logic::schedule(step_context& context) {
  auto next = wheel_.next();
  if (!next || (waking_at_ && *waking_at_ <= *next))
    return;
  waking_at_ = next;
  context.out.arm(idle_timer, std::max<std::chrono::nanoseconds>(*next - context.now,
                                                                 std::chrono::milliseconds{1}));
}

void roles_logic::ask_idle(step_context& context) {
  waking_at_.reset();
  std::size_t asked = 0;
  while (asked < limits::agents_asked_to_rest_max) {
    auto due = wheel_.pop(context.now);
    if (!due)
      break;
    auto found = active_.find(due->first);
    if (found == active_.end() || found->second.rest != rest_state::filed
        || found->second.filed != due->second)
      continue; // it has left, or has been filed again since
    ask(context, due->first, found->second, *idle_of(*found->second.kind));
    ++asked;
  }
  schedule(context);
}

void roles_logic::ask(step_context& context, const name& agent, active_agent& who,
                      std::chrono::nanoseconds idle) {
  who.rest = rest_state::asked;
  AgentRest question;
  question.set_agent(std::string{agent.text()});
  question.set_idle_ms(static_cast<std::uint64_t>(idle / std::chrono::milliseconds{1}));
  auto message =
      make_envelope(message_kind::event, address::of_agent(agent, self_.node), std::move(question));
  message.sender = self_;
  context.out.send(std::move(message));
}

void roles_logic::rests_later(step_context& context, const AgentRest& answer) {
  auto found = active_.find(name{answer.agent()});
  if (found == active_.end() || found->second.rest == rest_state::filed)
    return;
  constexpr std::uint64_t longest = std::chrono::milliseconds{std::chrono::hours{24}}.count();
  std::chrono::nanoseconds again = std::chrono::milliseconds{std::min(answer.again_ms(), longest)};
  if (found->second.rest == rest_state::asked_for_room) {
    --asked_for_room_;
    again = std::max(again, options_.idle); // it works: others are asked before it
  }
  file(found->first, found->second, context.now + again);
  use_room(context);
  schedule(context);
}

void roles_logic::left(step_context& context, const name& agent) {
  if (!forget(agent))
    return;
  context.out.debug(component, [&] {
    return std::string{agent.text()} + " has left; " + std::to_string(active_.size()) + " are here";
  });
  use_room(context);
  if (++left_ < limits::agents_left_to_give_back && !active_.empty())
    return;
  if (left_ >= limits::agents_left_to_give_back / 10 && options_.give_back_memory)
    options_.give_back_memory();
  left_ = 0;
}

// -- room -----------------------------------------------------------------------------------------

void roles_logic::wait_for_room(step_context& context, envelope message) {
  if (for_room_.size() >= limits::agents_asked_to_rest_max)
    return refuse(context, message, context.now,
                  {ec::overloaded, std::to_string(options_.agents_max)
                                       + " agents are active on this node; try again later"});
  context.out.debug(
      component,
      [&] {
        return "a message for " + std::string{message.target.agent.text()}
               + " waits for room: " + std::to_string(active_.size()) + " agents are here";
      },
      message.trace.trace);
  for_room_.push_back({std::move(message), context.now});
  use_room(context);
}

/// The sender of that request no longer waits.
void roles_logic::forget_waiting(step_context& context, const envelope& order) {
  const for_room* gone = nullptr; // it may wait there more than once, if it was repeated
  std::deque<for_room> others;
  for (auto& one : for_room_) {
    const auto& message = one.message;
    bool is_meant = message.kind == message_kind::request && message.id == order.id
                    && message.sender == order.sender;
    if (!is_meant)
      others.push_back(std::move(one));
    else if (!std::exchange(gone, &one))
      refuse(context, message, one.since, {ec::cancelled, "the request was cancelled"});
  }
  for_room_ = std::move(others);
  if (for_room_.empty())
    tried_for_room_ = 0;
}

/// Asks as many agents as there are waiting messages. Those whose turn in the wheel comes first are
/// asked first: the last news of them is the oldest.
void roles_logic::ask_longest_idle(step_context& context) {
  auto tries = std::min(active_.size(), limits::agents_asked_to_rest_max);
  while (asked_for_room_ < for_room_.size() && tried_for_room_ < tries) {
    auto next = wheel_.pop(instant::max());
    if (!next)
      return;
    auto found = active_.find(next->first);
    if (found == active_.end() || found->second.rest != rest_state::filed
        || found->second.filed != next->second)
      continue;
    ask(context, next->first, found->second, std::chrono::nanoseconds{0});
    found->second.rest = rest_state::asked_for_room;
    ++asked_for_room_;
    ++tried_for_room_;
  }
}

/// Starts the agents of waiting messages, in the order in which the messages came, as far as there
/// is room.
void roles_logic::use_room(step_context& context) {
  while (!for_room_.empty()) {
    auto agent = for_room_.front().message.target.agent;
    bool there = active_.contains(agent);
    if (!there && active_.size() >= options_.agents_max)
      break;
    auto kind = role_for(agent);
    if (!there && kind)
      start(context, agent, *kind);
    // All messages that wait for the same agent go with it: the next one for that agent comes
    // straight.
    std::deque<for_room> others;
    for (auto& one : for_room_) {
      if (one.message.target.agent == agent)
        context.out.send(std::move(one.message));
      else
        others.push_back(std::move(one));
    }
    for_room_ = std::move(others);
    tried_for_room_ = 0;
  }
  if (for_room_.empty())
    return;
  ask_longest_idle(context);
  if (asked_for_room_ > 0)
    return; // their answers come
  // All are at work.
  for (const auto& one : std::exchange(for_room_, {}))
    refuse(context, one.message, one.since,
           {ec::overloaded, std::to_string(options_.agents_max)
                                + " agents are active on this node, and all are at work; "
                                  "try again later"});
  tried_for_room_ = 0;
}

} // namespace troupe
