#include "actors/agents/roles_logic.hpp"

#include "actors/agents/agent_logic.hpp"
#include "config/limits/supervision.hpp"
#include "messages/agents.pb.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace troupe {

role_counts::role_counts(const role_table& roles) {
  for (const auto& [role_name, kind] : roles)
    counts_.try_emplace(role_name, 0);
}

void role_counts::add(std::string_view role_name, std::int64_t change) {
  if (auto found = counts_.find(role_name); found != counts_.end())
    found->second.fetch_add(change, std::memory_order_relaxed);
}

std::map<std::string, std::size_t> role_counts::agents_by_role() const {
  std::map<std::string, std::size_t> read;
  for (const auto& [role_name, count] : counts_)
    read[role_name] =
        static_cast<std::size_t>(std::max<std::int64_t>(0, count.load(std::memory_order_relaxed)));
  return read;
}

roles_logic::roles_logic(options limits, role_table roles, metrics& counted)
    : options_(limits), roles_(std::move(roles)), counted_(counted),
      counts_(std::make_shared<role_counts>(roles_)) {}

void roles_logic::start(step_context& context, const address&) { complete_since_ = context.now; }

void roles_logic::step(step_context& context, event input) {
  if (auto message = std::get_if<envelope>(&input))
    arrived(context, std::move(*message));
  else if (auto ended = std::get_if<child_failed>(&input))
    failed(context, *ended);
  else if (auto asked = std::get_if<child_ended>(&input))
    forget(asked->child);
}

void roles_logic::arrived(step_context& context, envelope message) {
  // Whoever waited for a reply has ended; an acknowledgement to nobody frees nothing.
  if (message.kind == message_kind::cancel && active_.contains(message.target.agent))
    return context.out.send(std::move(message)); // behind the request that it is about
  if (message.kind != message_kind::request && message.kind != message_kind::event)
    return;
  if (message.body.as<AgentStop>())
    return stop_agent(context, message);
  if (message.target.what != address::kind::agent) {
    if (message.kind == message_kind::request)
      context.out.send(reply_failure(
          message, {ec::invalid_argument, "service roles takes messages for agents only"}));
    return;
  }
  auto agent = message.target.agent;
  auto refuse = [&](const failure& why) {
    if (message.kind == message_kind::request)
      context.out.send(reply_failure(message, why));
  };
  // It was started while this message was on its way here.
  if (active_.contains(agent))
    return context.out.send(std::move(message));
  auto kind = role_for(agent);
  if (!kind)
    return refuse(kind.error());
  if (auto why = too_often_failed(agent, context.now))
    return refuse(*why);
  if (active_.size() >= options_.agents_max)
    return refuse({ec::overloaded, std::to_string(options_.agents_max)
                                       + " agents are active on this node; try again later"});
  if (failures_.contains(agent))
    counted_.plain().restarts.fetch_add(1, std::memory_order_relaxed);
  active_.emplace(agent, kind->get());
  counts_->add((*kind)->info.name(), 1);
  counted_.plain().agents.store(active_.size(), std::memory_order_relaxed);
  context.out.start(std::move(agent),
                    std::make_unique<agent_logic>(std::move(*kind), counted_, complete_since_));
  context.out.send(std::move(message));
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
                                       + " s; it is not started again until that time has passed"};
}

/// Ends an agent whatever it does: the next message for it finds a new one. The answer says that.
void roles_logic::stop_agent(step_context& context, envelope& order) {
  name agent{order.body.as<AgentStop>()->agent()};
  if (forget(agent))
    context.out.stop(agent);
  if (order.kind == message_kind::request)
    context.out.send(reply_to(order, AgentStop{}));
}

/// It is not active any more; false: it was not.
bool roles_logic::forget(const name& agent) {
  auto found = active_.find(agent);
  if (found == active_.end())
    return false;
  counts_->add(found->second->info.name(), -1);
  active_.erase(found);
  complete_since_ = context.now;
  counted_.plain().agents.store(active_.size(), std::memory_order_relaxed);
  return true;
}

void roles_logic::failed(step_context& context, const child_failed& ended) {
  if (!forget(ended.child))
    return;
  context.out.log(log_level::error, "agent",
                  "agent " + std::string{ended.child.text()} + " failed: " + ended.why);
  forget_old_failures(context.now);
  if (failures_.size() >= limits::failed_agents_kept_max && !failures_.contains(ended.child))
    failures_.erase(failures_.begin()); // at worst one agent is started a few times more often
  failures_[ended.child].push_back(context.now);
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
