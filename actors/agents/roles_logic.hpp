#pragma once

#include "actors/agents/role.hpp"
#include "actors/logic.hpp"
#include "telemetry/metrics.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

/// How many agents of each role are active on this node. The roles are fixed when it is made, so
/// that reading is thread-safe without a lock.
class role_counts {
public:
  explicit role_counts(const role_table& roles);

  void add(std::string_view role_name, std::int64_t change);
  std::map<std::string, std::size_t> agents_by_role() const;

private:
  std::map<std::string, std::atomic<std::int64_t>, std::less<>> counts_;
};

/// service::roles: activates agents. The host passes on every message for an agent of this node
/// that is not active; this starts an `agent_logic` under the name and sends the message on to it.
///
/// An agent that fails is activated anew by its next message, at most `restart_intensity` times
/// within `restart_period`; beyond that its messages get `agent_failed` until the period has
/// passed. One that AgentStop names is forgotten at once and told to end.
class roles_logic final : public logic {
public:
  struct options {
    std::size_t agents_max = 0;  ///< active at once, then `overloaded`
    std::uint32_t pool_size = 0; ///< slots role#0 .. role#(pool_size - 1)
  };

  roles_logic(options limits, role_table roles, metrics& counted);

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;

  /// For `troupe status`, from any thread.
  std::shared_ptr<const role_counts> counts() const { return counts_; }

private:
  using role_pointer = std::shared_ptr<const role>;

  void arrived(step_context& context, envelope message);
  result<role_pointer> role_for(const name& agent) const;
  std::optional<failure> too_often_failed(const name& agent, instant now) const;
  void stop_agent(step_context& context, envelope& order);
  bool forget(const name& agent);
  void failed(step_context& context, const child_failed& ended);
  void forget_old_failures(instant now);
  std::string role_names() const;

  options options_;
  role_table roles_;
  metrics& counted_;
  std::shared_ptr<role_counts> counts_;
  std::unordered_map<name, const role*> active_;
  /// When an agent failed within the last `restart_period`; at most `failed_agents_kept_max`
  /// agents.
  std::unordered_map<name, std::vector<instant>> failures_;
  instant complete_since_ = instant::max(); ///< no agent forgot what it was sent (delivery.hpp)
};

} // namespace troupe
