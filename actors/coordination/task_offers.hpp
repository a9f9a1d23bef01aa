#pragma once

#include "actors/agents/role.hpp"
#include "actors/coordination/attempt_table.hpp"
#include "actors/coordination/due_timer.hpp"
#include "actors/coordination/fifo.hpp"
#include "actors/coordination/inline_lane.hpp"
#include "actors/coordination/kept_results.hpp"
#include "actors/coordination/placement.hpp"
#include "actors/coordination/run_fold.hpp"
#include "actors/coordination/run_progress.hpp"
#include "actors/coordination/run_table.hpp"
#include "actors/logic.hpp"
#include "messages/runs.pb.h"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// Offers ready tasks to nodes, and decides what becomes of a task whose attempt came to nothing.
///
/// The tasks of one role are a lane. In a lane, tasks that are tried again come first; then the
/// runs that have ready tasks take turns. Placement says which node gets the next task. The tasks
/// that one step offers to a node leave in messages of about `limits::offer_bytes_aim`. A step
/// offers a bounded number of tasks and bytes; the next one begins with the lane that this one did
/// not reach.
///
/// The first attempt of a cheap task may be made here and now, without an offer (inline_lane), if
/// placement wants it on this node and no task of its role waits in the node's queue.
///
/// A task is tried again until its attempts are used up, on another node if there is one. A task
/// fails if no node has hosted its role for `limits::placement_patience`. It waits, however long,
/// if each node that hosts the role has another version than its steps (`offer_again`).
class task_offers {
public:
  using node_index = placement::node_index;
  using lane_index = placement::lane_index;

  /// What the offering works on; all outlive it.
  struct tables {
    const role_table& roles;
    placement& nodes;
    attempt_table& attempts;
    run_table& runs;
    kept_results& kept;
    run_progress& progress;
    run_fold& fold;
  };
  /// `timer` calls for `timer_fired`, and for the next `offer_ready`. `counted` outlives it.
  task_offers(const tables& shared, metrics& counted, std::uint32_t timer);

  void start(const address& self) { self_ = self; }
  /// A new run: numbers the lanes of its roles.
  void add(active_run& run);
  /// Takes the run out of every lane.
  void remove(const active_run& run);

  /// The state of the run has changed: what became ready waits for a node from now on.
  void wake(step_context& context, active_run& run);
  /// An attempt came to nothing. Releases it; its task is tried again or fails. `counts`: as one of
  /// the task's attempts. `usage`: of the attempt, if its node told it.
  void try_again(step_context& context, attempt& a, failure why, bool counts,
                 const task_usage& usage = {});
  /// An attempt has brought the result of its task: a Value as bytes, with so many levels.
  void attempt_succeeded(step_context& context, attempt& a, std::string output, int levels,
                         const task_usage& usage);
  /// An attempt has failed, for that reason: its task is tried again if that may help, or fails.
  /// `counts`: as one of its attempts, if it is tried again.
  void attempt_failed(step_context& context, attempt& a, failure why, const task_usage& usage,
                      bool counts = true);
  /// The node of the attempt has not begun with it, because it has another version: the task is
  /// offered again, to no node that needs something else (`needed`, for people), or waits.
  void offer_again(step_context& context, attempt& a, std::optional<std::string> needed);
  /// Nodes that came, or began anew, may have what tasks wait for.
  void members_changed(step_context& context, const placement::node_changes& changed);
  /// The tasks of the run that wait for another version begin without their steps. How many.
  std::size_t begin_waiting_anew(step_context& context, active_run& run, const envelope& wish);
  /// The task has failed for good.
  void fail_task(step_context& context, active_run& run, std::uint32_t task, failure why,
                 const task_usage& usage);

  /// Offers as much as one step may; `durable`: also of runs that are durable. True: more could be
  /// offered.
  bool offer_ready(step_context& context, bool durable = true);
  void timer_fired() noexcept { retry_timer_.fired(); }

  /// False if the lanes contradict the runs.
  bool invariants() const;

private:
  /// A task that is to be tried again.
  struct retry {
    active_run* run = nullptr;
    std::uint32_t task = 0;
    lane_index lane = 0;
    node_index avoid = placement::none; ///< where it failed
    instant since{};
  };
  struct ready_run {
    active_run* run = nullptr;
    instant since{};
  };
  struct waiting_lane {
    fifo<ready_run> runs; ///< have ready tasks of the role
    std::deque<retry> retries;
    std::optional<instant> stranded; ///< since then no node that is up hosts the role
    bool empty() const { return runs.empty() && retries.empty(); }
  };
  /// A message that is being filled.
  struct filling_offer {
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

  bool offer_lanes(step_context& context);
  void offer_retries(step_context& context, lane_index lane);
  void offer_runs(step_context& context, lane_index lane);
  bool wait_for_room(step_context& context, lane_index lane);
  bool give_up_stranded(step_context& context, lane_index lane);
  bool is_held_back(const active_run& run) const { return run.durable() && !offers_durable_; }
  bool prepare(active_run& run, std::uint32_t task);
  static std::uint64_t refusers_of(const retry& again);
  void wait_for_version(step_context& context, const retry& again);
  /// A task that goes to a node now.
  struct taken_task {
    lane_index lane = 0;
    node_index node = 0;
    instant ready{};
  };
  void offer(step_context& context, active_run& run, std::uint32_t task, const taken_task& taken);
  bool is_done_here(const active_run& run, lane_index lane, node_index node, instant now);
  void do_here(step_context& context, active_run& run, std::uint32_t task, const taken_task& taken);
  void spend(const Task& made, std::size_t bytes);
  std::chrono::milliseconds time_of(const active_run& run, std::uint32_t task) const;
  filling_offer& offer_for(node_index node, const name& tenant);
  void send_offers(step_context& context);

  const role_table& roles_;
  placement& nodes_;
  attempt_table& attempts_;
  run_table& runs_;
  kept_results& kept_;
  run_progress& progress_;
  run_fold& fold_;
  inline_lane inline_;
  due_timer retry_timer_;
  address self_;
  std::vector<waiting_lane> lanes_;     ///< by placement's index
  std::multimap<instant, retry> later_; ///< by when they may be tried
  step_budget budget_;
  lane_index first_lane_ = 0;          ///< whose turn it is to be the first
  std::vector<filling_offer> filling_; ///< of this step
  Task done_here_;             ///< empty between tasks; it keeps its memory unless that is much
  bool did_some_ = false;      ///< tasks were done here: others may have become ready
  bool offers_durable_ = true; ///< in this step
};

} // namespace troupe
