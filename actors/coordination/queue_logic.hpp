#pragma once

#include "actors/agents/recorded_roles.hpp"
#include "actors/agents/role.hpp"
#include "actors/coordination/due_timer.hpp"
#include "actors/coordination/fifo.hpp"
#include "actors/coordination/slot_pool.hpp"
#include "actors/coordination/waiting_tasks.hpp"
#include "actors/logic.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "telemetry/metrics.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe {

struct queue_options {
  std::uint32_t pool_size = limits::pool_size;     ///< slots of each role
  std::size_t tasks_max = limits::queue_tasks_max; ///< waiting, of each role
  std::string node_name{};                         ///< for spans
};

/// The tasks that a node was offered: service::queue (actors/host/interfaces.hpp). Each role has a
/// bounded queue and `pool_size` slots; a slot is a pool agent of this node and works on one task
/// at a time. Free slots go to the owners in turn, then to the runs of that owner in turn, then by
/// age (waiting_tasks.hpp). A full queue refuses the tasks of the owner with the most tasks.
///
/// A task may wait for any time. Its time runs from the moment when a slot takes it; then its owner
/// hears TaskStarted. The tasks of `cheap` roles are over so soon that they start unannounced: if
/// one takes longer, its owner learns that from TasksHeld. At the end comes TaskDone. If the queue
/// is full, the answer is TasksRefused. An offer of a task that is already here is ignored. A task
/// of a durable run is refused, too, if its steps are those of another version of its mind, or if
/// its run began with another role of that name and does not bring it along.
///
/// Messages can be lost, and owner and queue agree nevertheless: the owner asks at intervals which
/// of its tasks are here (TasksAsked); the queue answers (TasksHeld), and calls off the tasks that
/// the owner does not name. It also calls off the tasks of an owner that is down, that has
/// restarted, or that has sent nothing for `limits::owner_silence_max`.
///
/// A task is called off by TaskCancel, too, and when its time is over, which is reported as
/// `timed_out` at once. If it waits, it is forgotten. If an agent works on it, the agent is told to
/// give up; if it has not answered after `limits::cancel_patience`, it is stopped, and the slot
/// gets a new agent. The slot is busy until then. SlotsQuery is answered with the number of busy
/// slots of each role.
class queue_logic final : public logic {
public:
  /// `roles` and `counted` outlive the logic.
  queue_logic(const queue_options& options, const role_table& roles, metrics& counted);

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  /// Gives back what waits, calls off what runs and reports it as `unavailable`.
  void stop(step_context& context) override;

  /// False if the queue contradicts itself. For tests and debug builds: it looks at everything.
  bool invariants() const;

private:
  enum timer_id : std::uint32_t { timer_deadline = 1, timer_owners = 2 };
  struct running_task {
    enum class phase : std::uint8_t {
      working,    ///< an agent works on it, and its owner waits for the result
      called_off, ///< its owner does not wait; its agent was told to give up and has not answered
      replacing   ///< its agent did not answer in time: service::roles was asked to stop the agent
    };
    task_key key;
    node_id owner;
    name tenant;
    slot_pool* pool = nullptr;
    std::uint32_t slot = 0;
    instant queued{};
    instant started{};
    instant deadline{}; ///< of its phase
    phase now = phase::working;
    std::unique_ptr<SpanData> span; ///< null if the trace is not sampled; ends with the slot's work
    failure why;                    ///< how the task ended
    bool owner_lost = false;        ///< that is why
    bool run_over = false;          ///< the owner waits until the agent has given up
  };
  /// Why tasks are called off.
  struct calling_off {
    failure why;
    bool owner_lost = false;
    bool run_over = false; ///< the whole run was cancelled
  };
  using running_tasks = std::unordered_map<std::uint64_t, running_task>;
  /// A node that has offered tasks here.
  struct owner_record {
    instant heard{};
  };
  struct member_record {
    bool up = false;
    std::uint64_t incarnation = 0;
  };
  struct result_on_way {
    task_key key;
    instant since{};
  };

  // -- tasks and slots (queue_logic.cpp) ------------------------------------------------------

  void on_event(step_context& context, event& input);
  void on_unreadable_offer(step_context& context, const envelope& message);
  void on_offer(step_context& context, envelope& message);
  /// The owner is the node that sent the message. Only messages of this node say it in their body.
  static node_id owner_of(const envelope& message, std::string_view claimed);
  bool make_room(step_context& context, slot_pool& p, node_id owner);
  /// Refuses a task that no slot here can go on with. False: they can.
  bool refuse_other_version(step_context& context, const Task& task, const task_key& key,
                            node_id owner, const name& tenant);
  void on_reply(step_context& context, envelope& reply);
  void on_deadline(step_context& context);
  void begin_tasks(step_context& context, slot_pool& p);
  void begin_task(step_context& context, slot_pool& p, waiting_task& next);
  slot_pool* pool_of(const std::string& role);
  void count_slots(step_context& context, const envelope& query) const;
  /// Logs a transition of a task at debug.
  static void note(step_context& context, const task_key& key, std::string_view what) {
    context.out.debug("queue", [&] { return to_string(key) + " " + std::string{what}; });
  }
  /// Reports an end to the owner; the slot stays as it is.
  void report(step_context& context, running_task& task, TaskDone done);
  /// The agent has ended its work for the task, or never began.
  static void end_span(step_context& context, SpanData& span, const failure& why, bool owner_lost);
  void tell_agent_to_give_up(step_context& context, std::uint64_t sequence, running_task& task);
  void replace_agent(step_context& context, running_tasks::iterator task);
  void give_back_slot(step_context& context, running_tasks::iterator task);
  template <class Message>
  void tell(step_context& context, node_id owner, const name& tenant, Message message) const;

  // -- what owners want (queue_owners.cpp) ----------------------------------------------------

  /// Only the owner of a run may call off its tasks.
  void on_cancel(step_context& context, const TaskCancel& cancel, node_id from);
  void on_asked(step_context& context, const envelope& message, const TasksAsked& asked);
  void on_members(step_context& context, const MembersChanged& members);
  void on_owners_timer(step_context& context);
  void heard_of(step_context& context, node_id owner);
  static calling_off lost_owner(const std::string& called);
  /// Calls off the tasks of `owner` (zero: of all) in `run` (zero: in all) for which `gone` holds.
  template <class Predicate>
  void call_off(step_context& context, node_id owner, run_id run, const calling_off& how,
                Predicate gone);

  queue_options options_;
  const role_table& roles_;
  recorded_roles recorded_roles_;
  metrics::counts& counted_;
  address self_;
  session_id session_;
  std::uint64_t sequence_ = 0;
  std::map<std::string, slot_pool, std::less<>> pools_; ///< of roles of this node only
  running_tasks running_; ///< by the sequence number of the request to the agent, or to roles
  /// For a task that waits: zero; for one that an agent works on: the request's sequence number.
  std::unordered_map<task_key, std::uint64_t, task_key_hash> known_;
  std::unordered_map<node_id, owner_record> owners_;
  std::unordered_map<node_id, member_record> members_;
  fifo<result_on_way> on_way_; ///< large results, the oldest first
  due_timer deadline_timer_;
  bool owners_watched_ = false;
};

} // namespace troupe
