#pragma once

#include "actors/agents/idle_wheel.hpp"
#include "actors/agents/role.hpp"
#include "actors/agents/span_terms.hpp"
#include "actors/logic.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "telemetry/metrics.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

/// service::roles: activates agents, and lets them rest. The host passes it every message for an
/// agent of this node that is not active. It starts an `agent_logic` under that name and sends the
/// message on to it.
///
/// An agent that has had nothing to do for its idle time is asked to leave (AgentRest). It leaves,
/// or says when it may be asked again. Nothing is kept here about an agent that left. When the
/// maximum number of agents is active, those that have been idle longest are asked at once, and
/// messages for other agents wait for the room this makes. Those messages are refused if all active
/// agents are truly at work.
///
/// The next message for a failed agent activates it anew, at most `restart_intensity` times within
/// `restart_period`. Beyond that, its messages get `agent_failed` until the period has passed. An
/// agent that AgentStop names is forgotten at once and told to end. AgentsQuery is answered with
/// the number of active agents of each role.
class roles_logic final : public logic {
public:
  struct options {
    std::size_t agents_max = 0;  ///< active at once, then `overloaded`
    std::uint32_t pool_size = 0; ///< slots role#0 .. role#(pool_size - 1)
    std::chrono::nanoseconds idle = limits::agent_idle;
    std::chrono::nanoseconds holds_every = limits::blob_keep / limits::blob_keep_parts;
    std::shared_ptr<const span_terms> spans = nullptr; ///< null: the defaults
    std::function<void()> give_back_memory = {};       ///< called when many have left
  };

  roles_logic(options limits, role_table roles, metrics& counted);

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  void stop(step_context& context) override;

  /// The agents and what is counted of them fit together, between two steps.
  bool invariants() const;

private:
  static constexpr std::string_view component = "roles"; ///< in the log

  using role_pointer = std::shared_ptr<const role>;
  enum class rest_state : std::uint8_t {
    filed,          ///< it is in the wheel, unless its role never rests
    asked,          ///< it was asked to rest, and its answer is to come
    asked_for_room, ///< the same, because others wait for its room
  };
  struct active_agent {
    const role* kind = nullptr;
    std::int64_t filed = 0; ///< its place in the wheel
    rest_state rest = rest_state::filed;
  };

  /// A message whose agent cannot start yet.
  struct for_room {
    envelope message;
    instant since;
  };

  void arrived(step_context& context, envelope message);
  void refuse(step_context& context, const envelope& message, instant arrived,
              const failure& why) const;
  void start(step_context& context, const name& agent, const role_pointer& kind);
  result<role_pointer> role_for(const name& agent) const;
  std::optional<failure> too_often_failed(const name& agent, instant now) const;
  void stop_agent(step_context& context, envelope& order);
  bool forget(const name& agent);
  void count_agents(step_context& context, const envelope& query) const;
  void failed(step_context& context, const child_failed& ended);
  void forget_old_failures(instant now);
  std::string role_names() const;

  // -- rest (roles_rest.cpp) -------------------------------------------------------------------

  std::optional<std::chrono::nanoseconds> idle_of(const role& kind) const;
  void file(const name& agent, active_agent& who, instant due);
  void ask_idle(step_context& context);
  void ask(step_context& context, const name& agent, active_agent& who,
           std::chrono::nanoseconds idle);
  void rests_later(step_context& context, const AgentRest& answer);
  void schedule(step_context& context);
  void wait_for_room(step_context& context, envelope message);
  void forget_waiting(step_context& context, const envelope& order);
  void ask_longest_idle(step_context& context);
  void use_room(step_context& context);
  void left(step_context& context, const name& agent);

  options options_;
  address self_;
  role_table roles_;
  metrics& counted_;
  std::map<std::string, std::uint32_t, std::less<>> active_of_; ///< by role; without zeros
  std::unordered_map<name, active_agent> active_;
  idle_wheel wheel_;
  std::optional<instant> waking_at_; ///< the timer that runs
  std::deque<for_room> for_room_;
  std::size_t asked_for_room_ = 0; ///< agents whose answers may make room
  std::size_t tried_for_room_ = 0; ///< since the first of them began to wait
  std::size_t left_ = 0;           ///< since memory was given back
  /// When each agent failed within the last `restart_period`; at most `failed_agents_kept_max`
  /// agents.
  std::unordered_map<name, std::vector<instant>> failures_;
  instant complete_since_ = instant::max(); ///< no agent forgot what it was sent (delivery.hpp)
};

} // namespace troupe
