#pragma once

#include "actors/logic.hpp"
#include "actors/node_host_actor.hpp"
#include "actors/timers.hpp"
#include "messages/interfaces.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <memory>
#include <optional>
#include <unordered_map>

namespace troupe {

/// The one actor that runs a logic: it receives, steps, and carries the outputs out. Spawned by a
/// supervisor (services) or by the shell of the logic that started it (agents).
///
/// A step that throws is a fault of the logic: the request it was working on is answered with
/// `agent_failed`, the logic gets the chance to answer the others (`stop`), the actor ends with an
/// error, and whoever started it learns of it. Requests that are still in its mailbox when it ends,
/// by a fault or because it was asked to, are answered `unavailable`.
class logic_shell : public logic_actor::base {
public:
  logic_shell(caf::actor_config& cfg, node_host& host, troupe::address self,
              std::unique_ptr<logic> mind);

  behavior_type make_behavior() override;
  const char* name() const override { return "logic_shell"; }
  void on_exit() override;

private:
  struct child {
    troupe::name agent;
    logic_actor actor;
    bool stopped = false; ///< by its starter, who knows
  };

  template <class Call>
  void guarded(Call&& call);
  void work_on(envelope message);
  void work_on(event input);
  void on_tick();
  void after_steps();
  void deliver();
  void fail();
  void finish();
  void stop_children();
  void leave();
  void start_child(outputs::child wanted);
  void stop_child(const troupe::name& agent);
  void child_ended(const caf::down_msg& down);
  void schedule();

  node_host& host_;
  troupe::address self_;
  std::unique_ptr<logic> mind_;
  fast_random random_;
  outputs out_;
  timer_table timers_;
  std::optional<instant> ticking_until_; ///< when the pending tick comes
  std::uint64_t tick_generation_ = 0;
  std::unordered_map<caf::actor_id, child> children_;
  bool ending_ = false; ///< takes nothing more; waits for its children to end
  std::string fault_;   ///< what went wrong; nothing is stepped after that
};

} // namespace troupe
