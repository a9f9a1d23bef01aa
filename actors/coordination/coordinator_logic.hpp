#pragma once

#include "actors/agents/delivery.hpp"
#include "actors/agents/role.hpp"
#include "actors/coordination/fifo.hpp"
#include "actors/coordination/placement.hpp"
#include "actors/coordination/run_blobs.hpp"
#include "actors/coordination/run_state.hpp"
#include "actors/logic.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "telemetry/metrics.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  /// Results were freed, among them much that other actors had made of them.
  std::function<void()> give_back_memory = {};
};

/// Accepts runs and sees them through: service::coordinator (actors/host/interfaces.hpp). Each run
/// has one owner, the coordinator that accepted it; a run ends with its owner.
///
/// Ready tasks are offered to nodes in batches, one batch per node and step; the runs that have
/// ready tasks of a role take turns. One step offers a bounded number of tasks and bytes, then
/// coordinator goes on in another step, and other messages get in between.
///
/// What a node answers decides what comes next; what it had when it became suspect or went down is
/// offered to another with the next attempt number. The first result of the current attempt counts;
/// any other is dropped and counted (`late_results`). Pool tasks may be done twice, their results
/// count once. An attempt that is given up is called off where it was.
///
/// A task waits in a node's queue as long as it must; its time runs from TaskStarted, and is over
/// `task_deadline_slack` later than its queue should have said so. What was offered and has no end
/// is asked for every `held_interval` (TasksAsked): a task that its queue does not know is lost and
/// offered again, and a queue that does not answer for `queue_silence_max` is given up and left
/// alone until it does. Tasks of cheap roles are not announced; their time runs from the answer
/// that names them as running.
///
/// A task is tried again after a failure that may pass (`may_retry` of messages/errors.cpp, and
/// timed_out), on another node if there is one, up to its attempts. A node that was lost, or lost
/// it, with a task that had begun costs an attempt as well (the task may be what killed it); a task
/// that had not begun there costs none.
///
/// A RunSubmit that is repeated is answered as the first one was, while that is remembered
/// (delivery.hpp); else `outcome_unknown`.
class coordinator_logic final : public logic {
public:
  /// `roles` and `counted` outlive the logic.
  coordinator_logic(const coordinator_options& options, const role_table& roles, metrics& counted);
  ~coordinator_logic() override;

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  /// Tells every submitter that its run ends with this node.
  void stop(step_context& context) override;

private:
  using node_index = placement::node_index;
  using lane_index = placement::lane_index;
  static constexpr std::uint32_t none = ~0u;
  enum timer : std::uint32_t {
    timer_progress = 1,
    timer_deadline = 2,
    timer_retry = 3,
    timer_held = 4,
    timer_go_on = 5,
    timer_gone = 6,
    timer_blobs = 16
  };

  struct run;
  /// A task that was offered to a node and has no answer yet.
  struct attempt {
    run* owner = nullptr; ///< null: the entry is free
    std::uint32_t task = 0;
    node_index node = 0;
    lane_index lane = 0;
    bool started = false;
    instant offered{};
    instant deadline{}; ///< once it has started
    std::chrono::milliseconds time{0};
    std::size_t bytes = 0;
    std::uint64_t asked = 0;        ///< the last round in which its queue was asked for it
    std::optional<instant> missing; ///< since then its queue does not know it
    span_id span;
  };
  /// What is known of a node's queue.
  struct queue_sight {
    std::optional<instant> unanswered; ///< since then it was asked and has said nothing
    std::uint64_t round = 0;           ///< of the last question
  };
  /// A task that is to be tried again, before the ones that are ready.
  struct retry {
    run* owner = nullptr;
    std::uint32_t task = 0;
    lane_index lane = 0;
    node_index avoid = none; ///< where it failed
    instant since{};
  };
  struct ready_run {
    run* owner = nullptr;
    instant since{};
  };
  /// The ready tasks of one role: the runs that have some take turns.
  struct lane_queue {
    fifo<ready_run> runs;
    std::deque<retry> retries;
    std::optional<instant> stranded; ///< since then no node that is up hosts the role
  };
  struct batch {
    node_index node = 0;
    name tenant;
    std::size_t bytes = 0; ///< for other nodes only
    TaskOffer offer;
  };
  /// What this step may still offer.
  struct step_budget {
    std::size_t tasks = 0;
    std::size_t bytes = 0;
    bool spent() const { return tasks == 0 || bytes == 0; }
  };
  struct ending;

  // -- messages (coordinator_logic.cpp) -------------------------------------------------------

  void on_message(step_context& context, envelope& message);
  void on_submit(step_context& context, envelope& request);
  void on_repeated(step_context& context, envelope& request, const delivery::judgement& judged);
  void on_cancel(step_context& context, envelope& request);
  void on_query(step_context& context, const envelope& request) const;
  void on_session_closed(step_context& context, const SessionClosed& closed);
  void end_runs_of_gone(step_context& context);
  void on_started(step_context& context, const TaskStarted& started, node_id from);
  void on_done(step_context& context, TaskDone& done, int levels, node_id from);
  void on_unreadable_done(step_context& context, const envelope& message, const TaskKey& key);
  void on_refused(step_context& context, const TasksRefused& refused, node_id from);
  void on_members(step_context& context, const MembersChanged& members);
  void on_deadline(step_context& context);
  /// The attempt of that number, if it is the one that counts and `from` was offered it.
  attempt* current(const std::string& run_bytes, std::uint32_t task, std::uint32_t number,
                   node_id from);

  // -- what queues hold (coordinator_held.cpp) ------------------------------------------------

  void watch_held(step_context& context);
  void ask_queues(step_context& context);
  void ask_queue(step_context& context, node_index node, std::vector<attempt*>& there);
  void give_up_queue(step_context& context, node_index node, const std::vector<attempt*>& there);
  void on_held(step_context& context, const TasksHeld& held, node_id from);
  void missed(step_context& context, attempt& a, bool on_way);
  void begin_time(step_context& context, attempt& a);
  void heard_of(node_index node);

  // -- what runs keep, and their work in parts (coordinator_parts.cpp) -----------------------

  void go_on_with_runs(step_context& context);
  void watch_kept(run& r, std::uint32_t task);
  void forget_spent(step_context& context);
  bool prepare(run& r, std::uint32_t task);
  void report_in_parts(step_context& context);
  static bool copy_result(ending& done, std::size_t& bytes);
  static bool add_outcomes(ending& done, std::size_t& left);
  void tell_end(step_context& context, ending& done);
  static payload whole_of(ending& done);

  // -- offering (coordinator_offers.cpp) ------------------------------------------------------

  void wake(run& r);
  void place(step_context& context);
  void place_retries(step_context& context, lane_index lane);
  void place_ready(step_context& context, lane_index lane);
  void wait_for_room(step_context& context, lane_index lane);
  void give_up_stranded(step_context& context, lane_index lane);
  void go_on_later(step_context& context);
  void offer(step_context& context, run& r, std::uint32_t task, lane_index lane, node_index node);
  void spend(const Task& made, std::size_t bytes);
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
  /// Ends and forgets the run. `cut_short`: before its tasks ended. `canceller` is answered too.
  void end_run(step_context& context, run& r, const failure* cut_short, const envelope* canceller);
  void forget_tasks(step_context& context, run& r, const failure& why);
  void send_cancel(step_context& context, run_id id, node_index node) const;
  void call_off(step_context& context, const attempt& a) const;
  void begin_root_span(step_context& context, run& r, const trace_context& from) const;
  void record_attempt(step_context& context, const attempt& a, const failure* why,
                      std::uint64_t queue_wait_us) const;

  coordinator_options options_;
  const role_table& roles_;
  metrics& counted_;
  address self_;
  instant now_{}; ///< of this step
  placement nodes_;
  std::map<run_id, std::unique_ptr<run>> runs_;
  run_blobs blobs_{timer_blobs, options_.holds_every};
  std::vector<lane_queue> lanes_; ///< by placement's index
  std::vector<attempt> attempts_;
  std::vector<std::uint32_t> free_attempts_;
  std::multimap<instant, retry> later_; ///< by when they may be tried
  std::vector<queue_sight> queues_;     ///< by node
  std::uint64_t round_ = 0;             ///< of questions to queues
  bool held_armed_ = false;
  step_budget budget_;
  lane_index first_lane_ = 0;                   ///< whose turn it is to be the first
  bool going_on_ = false;                       ///< the next step goes on with what this one left
  std::deque<std::unique_ptr<ending>> endings_; ///< large ones, told part by part
  delivery submissions_;
  std::vector<batch> batches_; ///< of this step
  std::vector<run*> ended_;    ///< in this step
  std::vector<run*> working_;  ///< have work left that their state does in parts
  /// Of runs that were told, with what they keep: forgotten part by part.
  std::deque<std::pair<std::unique_ptr<run_state>, std::size_t>> spent_;
  std::size_t kept_ = 0;       ///< bytes of results, of all runs
  std::size_t given_back_ = 0; ///< bytes of results freed since memory was given back
  std::vector<run_id> dirty_;  ///< have news for their submitters
  bool progress_armed_ = false;
  std::optional<instant> deadline_armed_;
  std::optional<instant> retry_armed_;
};

} // namespace troupe
