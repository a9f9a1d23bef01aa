#pragma once

#include "actors/agents/role.hpp"
#include "actors/coordination/attempt_table.hpp"
#include "actors/coordination/due_timer.hpp"
#include "actors/coordination/kept_results.hpp"
#include "actors/coordination/placement.hpp"
#include "actors/coordination/queue_watch.hpp"
#include "actors/coordination/run_blobs.hpp"
#include "actors/coordination/run_endings.hpp"
#include "actors/coordination/run_progress.hpp"
#include "actors/coordination/run_submissions.hpp"
#include "actors/coordination/run_table.hpp"
#include "actors/coordination/task_offers.hpp"
#include "actors/logic.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "telemetry/metrics.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace troupe {

struct coordinator_options {
  std::uint32_t capacity = limits::pool_size; ///< of this node, until membership says
  std::size_t runs_max = limits::runs_max;    ///< more at once are refused with `overloaded`
  /// How often the holders of the runs' inputs are told that these are still needed.
  std::chrono::nanoseconds holds_every = limits::blob_keep / limits::blob_keep_parts;
  /// What one run may keep of its tasks' results, and all runs together: a run that is over it
  /// ends with `too_large`.
  std::size_t run_results_bytes_max = limits::run_results_bytes_max;
  std::size_t results_bytes_max = limits::results_bytes_max;
  /// Called after many results were freed.
  std::function<void()> give_back_memory = {};
};

/// Accepts runs and sees them through: service::coordinator (actors/host/interfaces.hpp). Each run
/// has one owner, the coordinator that accepted it; a run ends with its owner.
///
/// This class takes messages apart and lets its parts work together. Each part has one subject and
/// can be understood and tested alone:
///  - run_table: the runs, and which of them need attention
///  - attempt_table: which node has which task, since when, until when
///  - placement: which node gets the next task
///  - task_offers: from ready tasks to offers, and the next attempt when one came to nothing
///  - queue_watch: what the queues hold; what they lost
///  - kept_results: the bounds of what runs keep
///  - run_submissions, run_progress, run_endings, run_spans: what submitters and traces are told
///  - run_blobs: the blobs that runs need stay where they are
/// After each message the coordinator offers what it may offer and tells of runs that have ended.
/// The work of a step is bounded: what is left goes on in another step, after other messages.
///
/// The first result of the current attempt counts. Any other result is dropped and counted
/// (`late_results`): a task may be done twice, but it has one result. An attempt that is given up
/// is called off on its node.
///
/// A task may wait in a node's queue for any time. Its time runs from TaskStarted. The queue should
/// report the end of that time; the coordinator waits `task_deadline_slack` longer. The tasks of
/// cheap roles start unannounced; their time runs from the TasksHeld that names them as running.
///
/// A task is tried again after a failure that may pass (`may_retry` of messages/errors.cpp, and
/// timed_out). If a node is lost, or loses a task, that costs an attempt only if the task may have
/// begun there: it may be what killed the node.
class coordinator_logic final : public logic {
public:
  /// `roles` and `counted` outlive the logic.
  coordinator_logic(const coordinator_options& options, const role_table& roles, metrics& counted);

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  /// Tells every submitter that its run ends with this node.
  void stop(step_context& context) override;

  /// False if the parts contradict themselves or each other. For tests and debug builds: it looks
  /// at everything.
  bool invariants() const;

private:
  using node_index = placement::node_index;
  enum timer_id : std::uint32_t {
    timer_progress = 1,
    timer_deadline = 2,
    timer_retry = 3,
    timer_held = 4,
    timer_go_on = 5,
    timer_gone = 6,
    timer_closing = 7,
    timer_blobs = 16
  };

  void on_message(step_context& context, envelope& message);
  void on_timer(step_context& context, std::uint32_t timer);

  // -- runs -------------------------------------------------------------------------------------

  void on_submit(step_context& context, envelope& request);
  void on_cancel(step_context& context, envelope& request);
  void end_runs_of_gone(step_context& context);
  void end_ended(step_context& context);
  /// The run was cancelled: it ends when its agents have given up (coordinator_closing.cpp).
  void close_run(step_context& context, active_run& run, failure why, const envelope* canceller);
  void end_if_closed(step_context& context, active_run& run);
  void on_closing(step_context& context);
  /// Ends and forgets the run. `cut_short`: before its tasks ended. `canceller` is answered too.
  void end_run(step_context& context, active_run& run, const failure* cut_short,
               const envelope* canceller);
  void go_on_later(step_context& context);

  // -- tasks ------------------------------------------------------------------------------------

  void on_started(step_context& context, const TaskStarted& started, node_id from);
  void on_done(step_context& context, TaskDone& done, int levels, node_id from);
  void on_unreadable_done(step_context& context, const envelope& message, const TaskKey& key);
  void on_refused(step_context& context, const TasksRefused& refused, node_id from);
  void on_held(step_context& context, const TasksHeld& held, node_id from);
  void on_members(step_context& context, const MembersChanged& members);
  void on_deadline(step_context& context);
  void ask_queues(step_context& context);
  attempt* find_attempt(const std::string& run_bytes, std::uint32_t task, std::uint32_t number,
                        node_id from);
  void begin_time(step_context& context, attempt& a);
  /// The attempt came to nothing without an answer from its node: its task is tried again or fails.
  void give_up(step_context& context, attempt& a, const failure& why, bool counts);
  void lose_tasks_of(step_context& context, node_index node);

  coordinator_options options_;
  const role_table& roles_;
  metrics& counted_;
  address self_;
  placement nodes_;
  run_table runs_;
  attempt_table attempts_{nodes_};
  kept_results kept_{{options_.run_results_bytes_max, options_.results_bytes_max},
                     runs_,
                     options_.give_back_memory};
  run_progress progress_{nodes_, timer_progress};
  task_offers offers_{{roles_, nodes_, attempts_, runs_, kept_, progress_}, counted_, timer_retry};
  queue_watch queues_{nodes_, attempts_, runs_, timer_held};
  run_submissions submissions_;
  run_endings endings_{kept_, submissions_};
  run_blobs blobs_{timer_blobs, options_.holds_every};
  due_timer deadline_timer_;
  bool going_on_ = false; ///< the next step goes on with what this one left
};

} // namespace troupe
