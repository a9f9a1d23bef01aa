#pragma once

#include "actors/host/fast_random.hpp"
#include "actors/host/shell.hpp"
#include "actors/timer_table.hpp"

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace troupe {

/// The one actor that runs a logic: it receives, steps, and carries the outputs out. Spawned by a
/// supervisor (services) or by the shell of the logic that started it (agents).
///
/// A step that throws is a fault of the logic: the request it was working on is answered with
/// `agent_failed`, the logic gets the chance to answer the others (`stop`), the actor ends with an
/// error, and whoever started it learns of it. Requests that are still on their way to it when it
/// ends, by a fault or because it was asked to, are answered `unavailable`.
///
/// Before a logic is given a message for an agent that it started, it is told of that agent's end,
/// if it has ended: such a message comes round because of that end, and CAF's own news of it may be
/// slower.
class logic_shell final : public shell {
public:
  /// `first`: messages that it gets before all others.
  logic_shell(caf::actor_config& cfg, node_host& host, troupe::address self,
              std::unique_ptr<logic> mind, std::vector<envelope> first = {});

  behavior_type make_behavior() override;
  const char* name() const override { return "logic_shell"; }

private:
  enum class phase : std::uint8_t {
    working,
    stopping, ///< the logic is gone; the children that it started have to end first
    leaving,  ///< it cannot be found any more; ends with the last message that is still to come
  };

  struct running_child {
    troupe::name agent;
    logic_actor actor;
    bool told = false; ///< the logic knows of its end, or has stopped it
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
  std::unordered_map<troupe::name, caf::actor_id> ids_; ///< of those whose end it does not know
  phase phase_ = phase::working;
  std::string fault_; ///< what went wrong; nothing is stepped after that
};

} // namespace troupe
