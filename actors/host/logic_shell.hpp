#pragma once

#include "actors/host/fast_random.hpp"
#include "actors/host/shell.hpp"
#include "actors/timer_table.hpp"

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace troupe {

/// The actor that runs a logic: it receives, steps, and carries out the outputs. Spawned by a
/// supervisor (services) or by the shell of the logic that started it (agents).
///
/// A step that throws is a fault of the logic: the request it was working on is answered
/// `agent_failed`, the logic gets the chance to answer the others (`stop`), the actor ends with an
/// error, and the logic or supervisor that started it is told. Requests still on their way to the
/// actor when it ends, by a fault or on request, are answered `unavailable`.
///
/// If an agent has ended, the logic that started it is told so before it is given a message for
/// that agent. Such a message comes round because of that end, and CAF's own notice of the end may
/// be slower.
class logic_shell final : public shell {
public:
  /// `first`: messages that the logic gets before all others.
  logic_shell(caf::actor_config& cfg, node_host& host, troupe::address self,
              std::unique_ptr<logic> mind, std::vector<envelope> first = {});

  behavior_type make_behavior() override;
  const char* name() const override { return "logic_shell"; }

private:
  enum class phase : std::uint8_t {
    working,
    stopping, ///< the logic is gone; the children it started have to end first
    leaving,  ///< it can no longer be found; it ends with the last message still to come
  };

  struct running_child {
    troupe::name agent;
    logic_actor actor;
    bool told = false; ///< the logic knows of the child's end, or has stopped it
  };

  template <class Call>
  void guarded(Call&& call);
  void work_on(envelope message);
  void work_on(event input);
  void work_on_all(std::vector<envelope> messages);
  void on_tick();
  void after_steps();
  void deliver();
  void fail();
  void stop();
  void leave_if_idle();
  void end_logic();
  void stop_children();
  void leave();
  void end_if_drained();
  void killed() override;
  void start_child(outputs::child wanted);
  void stop_child(const troupe::name& agent);
  std::vector<envelope> take_sends_to(const troupe::name& agent);
  void tell_of_end(const troupe::name& agent);
  void tell_of_end(running_child& one, inbox_meter::ended how);
  void child_is_down(const caf::down_msg& down);
  void schedule();

  std::unique_ptr<logic> mind_;
  std::vector<envelope> first_;
  fast_random random_;
  outputs out_;
  std::vector<troupe::name> passed_on_; ///< agents whose messages came around in these steps
  timer_table timers_;
  std::optional<instant> ticking_until_; ///< when the pending tick comes
  std::uint64_t tick_generation_ = 0;
  std::unordered_map<caf::actor_id, running_child> children_;
  std::unordered_map<troupe::name, caf::actor_id> ids_; ///< whose end the logic does not know
  phase phase_ = phase::working;
  std::string fault_; ///< what went wrong; no step is made after that
};

} // namespace troupe
