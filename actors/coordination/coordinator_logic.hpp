#pragma once

#include "actors/agents/recorded_roles.hpp"
#include "actors/agents/role.hpp"
#include "actors/coordination/absent_clients.hpp"
#include "actors/coordination/attempt_table.hpp"
#include "actors/coordination/due_timer.hpp"
#include "actors/coordination/input_blobs.hpp"
#include "actors/coordination/kept_results.hpp"
#include "actors/coordination/new_run.hpp"
#include "actors/coordination/placement.hpp"
#include "actors/coordination/queue_watch.hpp"
#include "actors/coordination/run_blobs.hpp"
#include "actors/coordination/run_endings.hpp"
#include "actors/coordination/run_fold.hpp"
#include "actors/coordination/run_inquiries.hpp"
#include "actors/coordination/run_journal.hpp"
#include "actors/coordination/run_progress.hpp"
#include "actors/coordination/run_recovery.hpp"
#include "actors/coordination/run_submissions.hpp"
#include "actors/coordination/run_table.hpp"
#include "actors/coordination/task_offers.hpp"
#include "actors/coordination/unreadable_runs.hpp"
#include "actors/logic.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "telemetry/metrics.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
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
  /// Called after many results were freed.
  std::function<void()> give_back_memory = {};
  /// There is a service::journal: runs may be durable, and those without an end are gone on with.
  bool has_journal = false;
  /// Of runs whose submission and graph do not say.
  Durability durability = DURABILITY_OFF;
  /// Called when nobody knows what the journal has written. In a node it does not return.
  std::function<void(const failure&)> journal_failed = {};
};

/// Accepts runs and sees them through: service::coordinator (actors/host/interfaces.hpp). Each run
/// has one owner, the coordinator that accepted it. A run ends with its owner unless it is durable:
/// then the owner goes on with it when it is there again, and it needs no client.
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
///  - run_blobs: the blobs that runs need stay where they are; input_blobs: those of durable runs
///    come to this node first
///  - run_fold: what happens to a run, as events; run_journal: these events on their way to the
///    disk, and what must not be said before they are there; run_recovery: runs are gone on with
///  - run_inquiries: what clients ask about runs that only the journal knows; unreadable_runs: runs
///    that cannot be gone on with
///  - run_roles: the roles that a durable run began with
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
    timer_journal = 8,
    timer_recovery = 9,
    timer_inputs = 10,
    timer_blobs = 16
  };

  void on_message(step_context& context, envelope& message);
  void on_timer(step_context& context, std::uint32_t timer);

  // -- runs -------------------------------------------------------------------------------------

  void on_submit(step_context& context, envelope& request);
  void submit(step_context& context, envelope& request, const delivery::judgement& judged,
              bool looked_up);
  /// Answers a repeated submission of a run that is there.
  void accept_again(step_context& context, active_run& run, envelope& request);
  /// The journal may still refuse the run: then the request waits for that.
  bool waits_for_begin(step_context& context, const active_run& run, envelope& asked);
  void find_in_journal(step_context& context, envelope& request, const delivery::judgement& judged);
  /// The journal knows no run of the submission.
  void begin_unknown(step_context& context, run_inquiries::inquiry& inquiry);
  /// Says so once the journal has the run. `known`: it is another submission's.
  void send_accepted(step_context& context, const active_run& run, const envelope& request,
                     bool known);
  Durability durability_in(envelope& submission) const;
  Durability durability_of(Durability asked, const Graph& graph) const;
  /// `request`: who hears of it.
  void begin(step_context& context, envelope& request, const delivery::judgement& judged,
             new_run wanted);
  /// The blobs of a run's inputs are here, or will not come.
  void on_brought(step_context& context, input_blobs::brought_run done);
  void refuse(step_context& context, const envelope& request, const delivery::judgement& judged,
              const failure& why);
  void set_off(step_context& context, active_run& run);
  void on_cancel(step_context& context, envelope& request);
  static void add_canceller(step_context& context, active_run& run, const envelope& request);
  void end_runs_of_gone(step_context& context);
  void end_ended(step_context& context);
  /// The run was cancelled: it ends when its agents have given up (coordinator_closing.cpp).
  void close_run(step_context& context, active_run& run, failure why);
  void end_if_closed(step_context& context, active_run& run);
  void on_closing(step_context& context);
  /// Ends and forgets the run. `cut_short`: before its tasks ended.
  void end_run(step_context& context, active_run& run, const failure* cut_short);
  void go_on_later(step_context& context);

  // -- durable runs (coordinator_durable.cpp) -----------------------------------------------------

  bool is_for_people(const envelope& message) const;
  void on_answer(step_context& context, envelope& reply);
  void on_journal(step_context& context, run_journal::answer answer);
  void on_recovered(step_context& context, run_recovery::recovered found);
  void go_on_with(step_context& context, std::unique_ptr<active_run> run);
  void on_steps(step_context& context, envelope& message);
  void on_journal_started(step_context& context);
  void journal_is_lost(const failure& why) const;

  // -- questions about runs (coordinator_inquiries.cpp) -------------------------------------------

  void on_inquiry(step_context& context, envelope& asked);
  void on_attach(step_context& context, envelope& asked);
  void on_asked(step_context& context, envelope& asked);
  void on_retry(step_context& context, envelope& asked);
  /// One that goes on, or whose end is not told yet; null: there is none.
  active_run* find_run(run_id id) const;
  active_run* find_submitted(const envelope& request) const;
  bool waits_for_end(step_context& context, envelope& asked, run_id run);
  void read_last(step_context& context, run_inquiries::inquiry about, const std::string& run);
  static void refuse_to_wait(step_context& context, const envelope& asked);
  /// Asks the journal, or says that too many wait.
  void ask_journal(step_context& context, run_inquiries::inquiry about, payload to_journal);
  void on_found(step_context& context, run_inquiries::inquiry inquiry, envelope& reply);
  void on_page(step_context& context, run_inquiries::inquiry inquiry, JournalRecords& page);
  RunsFound all_runs(const RunsAsked& wanted, const RunsFound& ended) const;
  void attach(step_context& context, active_run& run, envelope& request, bool want_progress);
  void attach_to_ended(step_context& context, const envelope& request, RunEvent last);
  void on_found_submission(step_context& context, run_inquiries::inquiry inquiry, envelope& reply);
  void show(step_context& context, const active_run& run, const envelope& request);
  void read_run(step_context& context, envelope& asked, delivery::judgement judged,
                run_reader::keeps what);
  void show_steps(step_context& context, const run_inquiries::inquiry& inquiry);
  bool goes_on(step_context& context, const envelope& asked, run_id run) const;
  void repeat(step_context& context, run_inquiries::inquiry inquiry);

  // -- tasks of other versions (coordinator_versions.cpp) -----------------------------------------

  void on_refused_version(step_context& context, attempt& a, const TasksRefused& refused);
  bool begin_waiting_anew(step_context& context, envelope& asked);

  // -- runs that cannot be read (coordinator_unreadable.cpp) --------------------------------------

  void on_unreadable(step_context& context, const RunSummary& found);
  bool answers_for_unreadable(step_context& context, envelope& asked);
  void end_unreadable(step_context& context, envelope& asked, const RunSummary& known);
  void on_unreadable_ended(step_context& context, run_inquiries::inquiry inquiry);

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
  bool was_held_up(const attempt& a, instant now) const;
  /// The attempt came to nothing without an answer from its node: its task is tried again or fails.
  void give_up(step_context& context, attempt& a, const failure& why, bool counts);
  void lose_tasks_of(step_context& context, node_index node);

  coordinator_options options_;
  const role_table& roles_;
  recorded_roles recorded_roles_; ///< which runs began with, and this owner has no more
  metrics& counted_;
  address self_;
  placement nodes_;
  run_table runs_;
  attempt_table attempts_{nodes_};
  kept_results kept_{{options_.run_results_bytes_max, options_.results_bytes_max},
                     runs_,
                     options_.give_back_memory};
  run_progress progress_{nodes_, timer_progress};
  run_journal journal_{timer_journal};
  run_fold fold_{journal_};
  task_offers offers_{
      {roles_, nodes_, attempts_, runs_, kept_, progress_, fold_}, counted_, timer_retry};
  queue_watch queues_{nodes_, attempts_, runs_, timer_held};
  run_submissions submissions_;
  run_endings endings_{kept_, submissions_, journal_, fold_};
  run_recovery recovery_{timer_recovery};
  unreadable_runs unreadable_;
  run_inquiries inquiries_;
  input_blobs inputs_{timer_inputs};
  /// Results that a run begins with, once its beginning is in the journal.
  std::map<run_id, std::vector<earlier_result>> repeated_;
  absent_clients absent_;
  run_blobs blobs_{timer_blobs, options_.holds_every};
  due_timer deadline_timer_;
  bool asking_again_ = false; ///< what has waited for the journal is looked at
  bool going_on_ = false;     ///< the next step goes on with what this one left
  bool in_step_ = false;      ///< still so when `stop` is called: a step has thrown
};

} // namespace troupe
