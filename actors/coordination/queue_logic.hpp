#pragma once

#include "actors/agents/role.hpp"
#include "actors/coordination/fifo.hpp"
#include "actors/logic.hpp"
#include "config/limits/work.hpp"
#include "messages/runs.pb.h"
#include "telemetry/metrics.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace troupe {

/// Slots at work, of each role that does tasks: written by the queue, read for `troupe status`.
using busy_slots = std::map<std::string, std::atomic<std::uint32_t>, std::less<>>;

struct queue_options {
  std::uint32_t pool_size = limits::pool_size;     ///< slots of each role
  std::size_t tasks_max = limits::queue_tasks_max; ///< waiting, of each role
  std::shared_ptr<busy_slots> busy = {};           ///< of every role; null: nobody asks
};

/// The tasks that a node was offered: service::queue (messages/interfaces.hpp). Each role has a
/// bounded queue, in order of age, and `pool_size` slots; a slot is a pool agent of this node and
/// works on one task at a time.
///
/// The owner hears TaskStarted when a slot takes a task (not for `cheap` roles: their tasks are
/// over before anybody could see them run), then TaskDone; TasksRefused when the queue is full. An
/// offer of a task that is already here is ignored.
///
/// A task that takes longer than its time is reported as `timed_out` at once; its slot is used
/// again when the agent answers, or after `limits::stop_timeout`. A cancelled run's tasks are
/// forgotten without a word.
class queue_logic final : public logic {
public:
  /// `roles` and `counted` outlive the logic.
  queue_logic(queue_options options, const role_table& roles, metrics& counted);

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  /// Gives back what waits and reports what runs as `unavailable`.
  void stop(step_context& context) override;

private:
  struct task_key {
    run_id run;
    std::uint32_t index = 0;
    std::uint32_t attempt = 0;
    friend bool operator==(const task_key&, const task_key&) = default;
  };
  struct task_key_hash {
    std::size_t operator()(const task_key& key) const noexcept;
  };
  struct lane;
  struct waiting_task {
    Task* task = nullptr; ///< `kept`, or in the offer while that is worked on
    std::unique_ptr<Task> kept;
    task_key key;
    node_id owner;
    name tenant;
    instant since{};
  };
  struct running_task {
    task_key key;
    node_id owner;
    name tenant;
    lane* of = nullptr;
    std::uint32_t slot = 0;
    instant queued{};
    instant started{};
    instant deadline{};
    bool reported = false; ///< nobody waits for it any more, but its slot is busy
  };
  struct lane {
    std::shared_ptr<const role> what;
    fifo<waiting_task> waiting;
    std::vector<name> slots;
    std::vector<std::uint32_t> free; ///< the one used last at the end
    std::atomic<std::uint32_t>* busy = nullptr;
    void count_busy() const {
      if (busy)
        busy->store(static_cast<std::uint32_t>(slots.size() - free.size()),
                    std::memory_order_relaxed);
    }
  };
  using running_tasks = std::unordered_map<std::uint64_t, running_task>;

  void on_offer(step_context& context, envelope& message);
  void on_cancel(const TaskCancel& cancel);
  void on_reply(step_context& context, envelope& reply);
  void on_deadline(step_context& context);
  void begin_tasks(step_context& context, lane& l);
  void begin_task(step_context& context, lane& l, waiting_task& next);
  lane* lane_of(const std::string& role);
  /// Reports an end to the owner; the slot stays as it is.
  void report(step_context& context, running_task& task, TaskDone done);
  void give_back_slot(step_context& context, running_tasks::iterator task);
  void watch(step_context& context, instant deadline);
  template <class Message>
  void tell(step_context& context, node_id owner, const name& tenant, Message message) const;

  queue_options options_;
  const role_table& roles_;
  metrics::counts& counted_;
  address self_;
  session_id session_;
  std::uint64_t sequence_ = 0;
  std::map<std::string, lane, std::less<>> lanes_; ///< of roles of this node only
  running_tasks running_;                          ///< by the sequence number of the request
  std::unordered_set<task_key, task_key_hash> known_;
  std::optional<instant> armed_;
};

} // namespace troupe
