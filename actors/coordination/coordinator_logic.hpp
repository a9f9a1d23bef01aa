#pragma once

#include "actors/agents/role.hpp"
#include "actors/coordination/fifo.hpp"
#include "actors/coordination/placement.hpp"
#include "actors/coordination/run_state.hpp"
#include "actors/logic.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "telemetry/metrics.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

struct coordinator_options {
  std::uint32_t capacity = limits::pool_size; ///< of this node, until membership says
  std::size_t runs_max = limits::runs_max;    ///< more at once are refused with `overloaded`
};

/// Accepts runs and sees them through: service::coordinator (messages/interfaces.hpp). Each run has
/// one owner, the coordinator that accepted it; a run ends with its owner.
///
/// Ready tasks are offered to nodes in batches, one batch per node and step. What a node answers
/// decides what comes next; what it does not answer in time, or what it had when it became suspect
/// or went down, is offered to another with the next attempt number. The first result of the
/// current attempt counts; any other is dropped and counted (`late_results`). Pool tasks may be
/// done twice, their results count once.
///
/// A task is tried again after a failure that may pass (`may_retry` of messages/errors.cpp, and
/// timed_out), on another node if there is one, up to its attempts. A node that was lost with a
/// task that had begun costs an attempt as well (the task may be what killed it); a task that had
/// not begun there costs none.
class coordinator_logic final : public logic {
public:
  /// `roles` and `counted` outlive the logic.
  coordinator_logic(coordinator_options options, const role_table& roles, metrics& counted);
  ~coordinator_logic() override;

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  /// Tells every submitter that its run ends with this node.
  void stop(step_context& context) override;

private:
  using node_index = placement::node_index;
  using lane_index = placement::lane_index;
  static constexpr std::uint32_t none = ~0u;
  enum timer : std::uint32_t { timer_progress = 1, timer_deadline = 2, timer_retry = 3 };

  struct run;
  /// A task that was offered to a node and has no answer yet.
  struct attempt {
    run* owner = nullptr; ///< null: the entry is free
    std::uint32_t task = 0;
    node_index node = 0;
    lane_index lane = 0;
    bool started = false;
    instant offered{};
    instant deadline{};
    span_id span;
  };
  /// A task that is to be tried again, before the ones that are ready.
  struct retry {
    run* owner = nullptr;
    std::uint32_t task = 0;
    lane_index lane = 0;
    node_index avoid = none; ///< where it failed
    instant not_before{};
  };
  /// The ready tasks of one role: the runs that have some take turns.
  struct lane_queue {
    fifo<run*> runs;
    std::vector<retry> retries;
    std::optional<instant> stranded; ///< since then no node that is up hosts the role
  };
  struct batch {
    node_index node = 0;
    name tenant;
    std::size_t bytes = 0; ///< for other nodes only
    TaskOffer offer;
  };

  // -- messages (coordinator_logic.cpp) -------------------------------------------------------

  void on_message(step_context& context, envelope& message);
  void on_submit(step_context& context, envelope& request);
  void on_cancel(step_context& context, envelope& request);
  void on_query(step_context& context, const envelope& request) const;
  void on_session_closed(step_context& context, std::uint64_t session);
  void on_started(step_context& context, const TaskStarted& started);
  void on_done(step_context& context, TaskDone& done);
  void on_refused(step_context& context, const TasksRefused& refused);
  void on_members(step_context& context, const MembersChanged& members);
  void on_deadline(step_context& context);
  attempt* current(const std::string& run_bytes, std::uint32_t task, std::uint32_t number);

  // -- offering (coordinator_offers.cpp) ------------------------------------------------------

  void wake(run& r);
  void place(step_context& context);
  void place_retries(step_context& context, lane_index lane);
  void place_ready(step_context& context, lane_index lane);
  void wait_for_room(step_context& context, lane_index lane);
  void offer(step_context& context, run& r, std::uint32_t task, lane_index lane, node_index node);
  std::chrono::milliseconds time_of(const run& r, std::uint32_t task) const;
  std::uint32_t new_attempt();
  batch& batch_for(node_index node, const name& tenant);
  void flush(step_context& context);
  void release(attempt& a);
  void try_again(step_context& context, attempt& a, failure why, bool counts);
  void fail_task(run& r, std::uint32_t task, failure why, const task_usage& usage);
  void watch_deadline(step_context& context, instant deadline);
  void watch_retry(step_context& context, instant due);

  // -- what is told of runs (coordinator_runs.cpp) --------------------------------------------

  void tell(step_context& context, const run& r, payload news) const;
  void touch(step_context& context, run& r, std::uint32_t task, node_index node);
  void send_progress(step_context& context, run& r);
  void end_ended(step_context& context);
  static void leave_out_result(RunEnded& ended);
  /// Ends and forgets the run. `cut_short`: before its tasks ended. `canceller` is answered too.
  void end_run(step_context& context, run& r, const failure* cut_short, const envelope* canceller);
  void forget_tasks(step_context& context, run& r, const failure& why);
  void send_cancel(step_context& context, run_id id, node_index node) const;
  void begin_root_span(step_context& context, run& r, const trace_context& from) const;
  void record_attempt(step_context& context, const attempt& a, const failure* why,
                      std::uint64_t queue_wait_us) const;

  coordinator_options options_;
  const role_table& roles_;
  metrics& counted_;
  address self_;
  placement nodes_;
  std::map<run_id, std::unique_ptr<run>> runs_;
  std::vector<lane_queue> lanes_; ///< by placement's index
  std::vector<attempt> attempts_;
  std::vector<std::uint32_t> free_attempts_;
  std::vector<retry> later_;
  std::vector<batch> batches_; ///< of this step
  std::vector<run*> ended_;    ///< in this step
  std::vector<run_id> dirty_;  ///< have news for their submitters
  bool progress_armed_ = false;
  std::optional<instant> deadline_armed_;
  std::optional<instant> retry_armed_;
};

} // namespace troupe
