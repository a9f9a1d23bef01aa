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

  /// A child's end that CAF has told of, and which the logic hears after that many messages.
  struct end_of_child {
    caf::actor_id child = 0;
    std::uint64_t after = 0;
  };

  /// What the steps of one turn want. The thread lends it to the actor whose turn it is: an actor
  /// that rests holds no memory for it.
  struct wanted {
    outputs out;
    std::vector<troupe::name> passed_on; ///< agents whose messages came around in these steps
    bool undelivered = false;            ///< there may be some
  };

  /// Only of logics that start agents.
  struct family {
    std::unordered_map<caf::actor_id, running_child> children;
    std::unordered_map<troupe::name, caf::actor_id> ids; ///< whose end the logic does not know
    std::vector<end_of_child> ends;
  };

  void begin_turn();
  outputs& out() noexcept { return wanted_->out; }
  bool has_children() const noexcept { return family_ && !family_->children.empty(); }
  template <class Call>
  void guarded(Call&& call);
  void work_on(envelope& message);
  void work_on(event input);
  void settle();
  void work_off_burst() override;
  void deliver_if_enough();
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
  void start_child(outputs::child fresh);
  void stop_child(const troupe::name& agent);
  std::vector<envelope> take_sends_to(const troupe::name& agent);
  void tell_of_end(const troupe::name& agent);
  void tell_of_end(running_child& one, inbox_meter::ended how);
  void child_is_down(const caf::down_msg& down);
  void hear_of_ends();
  void child_has_ended(caf::actor_id child);
  void schedule();

  std::unique_ptr<logic> mind_;
  std::vector<envelope> first_;
  fast_random random_;
  wanted* wanted_ = nullptr; ///< of the thread; only in a turn
  timer_table timers_;
  instant stepped_at_{};                 ///< when the last step began
  bool time_is_fresh_ = false;           ///< that is now, and the next step begins then
  std::optional<instant> ticking_until_; ///< when the next tick comes
  std::uint64_t tick_generation_ = 0;
  std::unique_ptr<family> family_;
  std::uint64_t taken_so_far_ = 0; ///< messages that it has taken out of its list
  phase phase_ = phase::working;
  const bool debugs_; ///< lines at debug are wanted
  std::string fault_; ///< what went wrong; no step is made after that
};

} // namespace troupe
