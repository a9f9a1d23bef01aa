#include "actors/agents/roles_logic.hpp"

#include "actors/agents/agent_logic.hpp"
#include "actors/agents/agent_span.hpp"
#include "config/limits/supervision.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace troupe {

roles_logic::roles_logic(options limits, role_table roles, metrics& counted)
    : options_(std::move(limits)), roles_(std::move(roles)), counted_(counted),
      wheel_(std::max<std::chrono::nanoseconds>(options_.idle / limits::agent_idle_parts,
                                                limits::agent_idle_tick_min)) {}

void roles_logic::start(step_context& context, const address& self) {
  self_ = self;
  complete_since_ = context.now;
}

void roles_logic::step(step_context& context, event input) {
  if (auto message = std::get_if<envelope>(&input))
    arrived(context, std::move(*message));
  else if (auto broken = std::get_if<child_failed>(&input))
    failed(context, *broken);
  else if (auto ended = std::get_if<child_ended>(&input))
    left(context, ended->child);
  else if (std::holds_alternative<timer_fired>(input))
    ask_idle(context);
}

bool roles_logic::invariants() const {
  auto asked = std::count_if(active_.begin(), active_.end(), [](const auto& one) {
    return one.second.rest == rest_state::asked_for_room;
  });
  std::size_t counted = 0;
  for (const auto& [role_name, agents] : active_of_)
    counted += agents;
  return counted == active_.size() && static_cast<std::size_t>(asked) == asked_for_room_
         && (asked_for_room_ == 0 || !active_.empty())
         && (tried_for_room_ == 0 || !for_room_.empty()) && active_.size() <= options_.agents_max;
}

void roles_logic::stop(step_context& context) {
  for (const auto& one : for_room_)
    refuse(context, one.message, one.since, {ec::unavailable, "this node is stopping"});
  for_room_.clear();
}

void roles_logic::arrived(step_context& context, envelope message) {
  // The agent that waited for a reply has ended; an acknowledgement to nobody frees nothing.
  if (message.kind == message_kind::cancel && active_.contains(message.target.agent))
    return context.out.send(std::move(message)); // after the request it is about
  if (message.kind == message_kind::cancel)
    return forget_waiting(context, message);
  if (message.kind != message_kind::request && message.kind != message_kind::event)
    return;
  if (message.body.as<AgentStop>())
    return stop_agent(context, message);
  if (message.target.what != address::kind::agent) {
    if (auto answer = message.body.as<AgentRest>())
      return rests_later(context, *answer);
    if (message.body.as<AgentsQuery>() && message.kind == message_kind::request)
      return count_agents(context, message);
    if (message.kind == message_kind::request)
      context.out.send(reply_failure(
          message, {ec::invalid_argument, "service roles takes messages for agents only"}));
    return;
  }
  if (message.body.kind() == payload_kind::AgentRest)
    return; // for one that has ended meanwhile
  auto agent = message.target.agent;
  // The agent was started while this message was on its way here; news of its end would have come
  // first.
  if (active_.contains(agent))
    return context.out.send(std::move(message));
  auto kind = role_for(agent);
  if (!kind)
    return refuse(context, message, context.now, kind.error());
  if (auto why = too_often_failed(agent, context.now))
    return refuse(context, message, context.now, *why);
  if (active_.size() >= options_.agents_max || !for_room_.empty())
    return wait_for_room(context, std::move(message));
  start(context, agent, *kind);
  context.out.send(std::move(message));
}

/// No agent comes to it. Its trace shows that as the end of a message to an agent.
void roles_logic::refuse(step_context& context, const envelope& message, instant arrived,
                         const failure& why) const {
  if (message.trace.sampled()) {
    auto known = roles_.find(role_of(message.target.agent));
    auto info = known == roles_.end() ? RoleInfo{} : known->second->info;
    auto span = begin_agent_span(context, info, message.target, message, arrived);
    end_span(context, span, why);
  }
  if (message.kind == message_kind::request)
    context.out.send(reply_failure(message, why));
}

void roles_logic::start(step_context& context, const name& agent, const role_pointer& kind) {
  if (failures_.contains(agent))
    counted_.plain().restarts.fetch_add(1, std::memory_order_relaxed);
  auto& added = active_[agent];
  added.kind = kind.get();
  ++active_of_[kind->info.name()];
  counted_.plain().agents.store(active_.size(), std::memory_order_relaxed);
  context.out.debug(component, [&] {
    return "starts " + std::string{agent.text()} + ", number " + std::to_string(active_.size())
           + " here" + (failures_.contains(agent) ? ", again after a fault" : "");
  });
  context.out.start(agent, std::make_unique<agent_logic>(kind, counted_, complete_since_,
                                                         options_.holds_every, options_.spans));
  if (auto idle = idle_of(*kind)) {
    file(agent, added, context.now + *idle);
    schedule(context);
  }
}

result<roles_logic::role_pointer> roles_logic::role_for(const name& agent) const {
  auto role_name = role_of(agent);
  auto found = roles_.find(role_name);
  if (found == roles_.end())
    return fail(ec::unknown_role, "there is no role \"" + std::string{role_name}
                                      + "\" here; there are " + role_names());
  const auto& info = found->second->info;
  auto text = agent.text();
  if (text.size() > role_name.size() && text[role_name.size()] == '#') {
    auto digits = text.substr(role_name.size() + 1);
    std::uint32_t slot = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), slot);
    auto whole = !digits.empty() && error == std::errc{} && end == digits.data() + digits.size();
    if (!info.for_tasks() || !whole || slot >= options_.pool_size)
      return fail(ec::invalid_argument, "role " + info.name() + " has no slot \""
                                            + std::string{digits} + "\" on this node");
    return found->second;
  }
  if (auto checked = parse_agent_name(text); !checked)
    return unexpected{std::move(checked).error()};
  if (!info.for_talk())
    return fail(ec::invalid_argument, "role " + info.name() + " takes tasks, not messages");
  return found->second;
}

std::optional<failure> roles_logic::too_often_failed(const name& agent, instant now) const {
  auto found = failures_.find(agent);
  if (found == failures_.end())
    return std::nullopt;
  const auto& times = found->second;
  auto recent = std::count_if(times.begin(), times.end(), [&](instant failed_at) {
    return now - failed_at < limits::restart_period;
  });
  if (recent <= std::int64_t{limits::restart_intensity})
    return std::nullopt;
  return failure{ec::agent_failed, "agent " + std::string{agent.text()} + " failed "
                                       + std::to_string(recent) + " times within "
                                       + std::to_string(limits::restart_period.count())
                                       + " s; it is not restarted until that time has passed"};
}

/// Ends an agent whatever it is doing: the next message for it finds a new one. The answer says so.
void roles_logic::stop_agent(step_context& context, envelope& order) {
  name agent{order.body.as<AgentStop>()->agent()};
  if (forget(agent)) {
    complete_since_ = context.now; // what it was sent is no longer known
    context.out.debug(
        component,
        [&] {
          return "stops " + std::string{agent.text()} + ", as " + to_string(order.sender)
                 + " wants";
        },
        order.trace.trace);
    context.out.stop(agent);
  }
  if (order.kind == message_kind::request)
    context.out.send(reply_to(order, AgentStop{}));
  use_room(context);
}

/// The agent is no longer active. False: it was not active before.
bool roles_logic::forget(const name& agent) {
  auto found = active_.find(agent);
  if (found == active_.end())
    return false;
  asked_for_room_ -= found->second.rest == rest_state::asked_for_room ? 1 : 0;
  auto same = active_of_.find(found->second.kind->info.name());
  if (--same->second == 0)
    active_of_.erase(same);
  active_.erase(found);
  counted_.plain().agents.store(active_.size(), std::memory_order_relaxed);
  return true;
}

void roles_logic::count_agents(step_context& context, const envelope& query) const {
  AgentsCounted counted;
  for (const auto& [role_name, agents] : active_of_) {
    auto added = counted.add_roles();
    added->set_role(role_name);
    added->set_count(agents);
  }
  context.out.send(reply_to(query, std::move(counted)));
}

void roles_logic::failed(step_context& context, const child_failed& ended) {
  if (!forget(ended.child))
    return;
  complete_since_ = context.now;
  context.out.log(log_level::error, "agent",
                  "agent " + std::string{ended.child.text()} + " failed: " + ended.why);
  forget_old_failures(context.now);
  if (failures_.size() >= limits::failed_agents_kept_max && !failures_.contains(ended.child))
    failures_.erase(failures_.begin()); // at worst one agent is started a few extra times
  failures_[ended.child].push_back(context.now);
  use_room(context);
}

void roles_logic::forget_old_failures(instant now) {
  auto old = [&](instant failed_at) { return now - failed_at >= limits::restart_period; };
  for (auto one = failures_.begin(); one != failures_.end();) {
    std::erase_if(one->second, old);
    one = one->second.empty() ? failures_.erase(one) : std::next(one);
  }
}

std::string roles_logic::role_names() const {
  std::string listed;
  for (const auto& [role_name, kind] : roles_)
    listed += (listed.empty() ? "" : ", ") + role_name;
  return listed;
}

} // namespace troupe
