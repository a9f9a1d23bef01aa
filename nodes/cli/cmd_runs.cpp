// Durable runs: what there is, one of them, its end before its time, and how it is forgotten.

#include "messages/runs.pb.h"
#include "nodes/cli/attention.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/gathered_runs.hpp"
#include "nodes/cli/run_steps.hpp"
#include "nodes/cli/runs_table.hpp"
#include "nodes/exit_codes.hpp"

#include <unistd.h>

#include <chrono>

namespace troupe::cli {

using namespace std::chrono_literals;

namespace {

constexpr auto runs_patience = 3s;
constexpr auto owner_patience = 10s;
constexpr auto cancel_patience = 10s; ///< for the end of a run that is cancelled

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// The cluster, and the run that the command names.
struct named_run {
  attention attends;
  std::optional<attached_client> cluster;
  owned_run run;
};

cli_result<void> find(const runs_command& wanted, named_run& to) {
  auto cluster = attach_lasting(wanted.cluster, to.attends.fd());
  if (!cluster)
    return unexpected{cluster.error()};
  to.cluster = std::move(*cluster);
  auto run = find_run(*to.cluster, wanted.run);
  if (!run)
    return unexpected{run.error()};
  to.run = std::move(*run);
  return {};
}

/// The run as its owner shows it; with `steps`, in as many answers as they take.
cli_result<RunShown> ask_for_run(named_run& named, bool steps) {
  RunAsked asked;
  asked.set_run(named.run.summary.run());
  asked.set_steps(steps);
  auto shown = ask_owner<RunShown>(*named.cluster, named.run, asked, owner_patience);
  while (shown && shown->next_task() > asked.from_task()) {
    asked.set_from_task(shown->next_task());
    auto more = ask_owner<RunShown>(*named.cluster, named.run, asked, owner_patience);
    if (!more)
      return more;
    more->mutable_steps()->Swap(shown->mutable_steps());
    more->mutable_steps()->MergeFrom(shown->steps());
    shown = std::move(more);
  }
  return shown;
}

std::string id_of(const owned_run& run) { return to_string(run_from_bytes(run.summary.run())); }

cli_result<gathered_runs> list_runs(const runs_command& wanted) {
  RunsAsked asked;
  if (!wanted.state.empty()) {
    auto phase = phase_named(wanted.state);
    if (!phase)
      return unexpected{usage_error("--state " + wanted.state
                                    + ": expected running, succeeded, failed, cancelled or "
                                      "unreadable")};
    asked.set_phase(*phase);
  }
  asked.set_at_most(wanted.limit);
  attention attends;
  auto cluster = attach_lasting(wanted.cluster, attends.fd());
  if (!cluster)
    return unexpected{cluster.error()};
  auto found = gather_runs(*cluster, asked, runs_patience);
  if (found)
    put_in_order(*found, wanted.limit);
  return found;
}

/// Tells of the end of a run that was to be cancelled.
int show_cancelled(const owned_run& run, const RunEnded& ended, bool as_json) {
  bool cancelled = !ended.ok() && to_error_code(ended.failure().code()) == ec::cancelled;
  if (!cancelled)
    return report({exit_failed, "ended",
                   "the run has ended before it could be cancelled: it "
                       + std::string(ended.ok() ? "succeeded" : "failed"),
                   id_of(run)},
                  as_json);
  if (as_json)
    print_json({{"run", id_of(run)}, {"state", "cancelled"}});
  else
    print("run " + id_of(run) + " is cancelled\n");
  return exit_ok;
}

} // namespace

int cmd_runs(const runs_command& wanted) {
  auto found = list_runs(wanted);
  if (!found)
    return report(found.error(), wanted.as_json);
  if (wanted.as_json) {
    print_json(runs_json(*found));
    return exit_ok;
  }
  print(runs_text(*found, now_ms(), terminal_of(STDOUT_FILENO).colours));
  tell(missing_text(*found));
  return exit_ok;
}

int cmd_runs_show(const runs_command& wanted) {
  named_run named;
  if (auto found = find(wanted, named); !found)
    return report(found.error(), wanted.as_json);
  auto shown = ask_for_run(named, wanted.steps);
  if (!shown)
    return report(shown.error(), wanted.as_json);
  named.run.summary = std::move(*shown->mutable_summary());
  run_outcome outcome;
  outcome.ended = std::move(*shown->mutable_ended());
  outcome.why = outcome.ended.failure().message();
  for (const auto& task : outcome.ended.tasks())
    outcome.node_names.emplace(task.node(), named.cluster->node_name(task.node()));
  if (wanted.as_json) {
    auto made = shown_json(named.run, outcome);
    if (wanted.steps)
      add_steps(made, shown->steps());
    print_json(made);
    return exit_ok;
  }
  bool colours = terminal_of(STDOUT_FILENO).colours;
  print(shown_text(named.run, outcome, now_ms(), colours));
  if (wanted.steps)
    print(steps_text(shown->steps(), colours));
  return exit_ok;
}

int cmd_runs_cancel(const runs_command& wanted) {
  named_run named;
  if (auto found = find(wanted, named); !found)
    return report(found.error(), wanted.as_json);
  auto phase = named.run.summary.phase();
  if (phase == RUN_SUCCEEDED || phase == RUN_FAILED)
    return report({exit_failed, "ended",
                   "the run has already ended: it " + std::string{to_string(phase)},
                   id_of(named.run)},
                  wanted.as_json);
  RunEnded ended;
  if (phase == RUN_CANCELLED) {
    *ended.mutable_failure() = to_proto({ec::cancelled, "the run was cancelled"});
    return show_cancelled(named.run, ended, wanted.as_json);
  }
  RunCancel cancel;
  cancel.set_run(named.run.summary.run());
  auto answer = ask_owner<RunEnded>(*named.cluster, named.run, std::move(cancel), cancel_patience);
  if (!answer)
    return report(answer.error(), wanted.as_json);
  return show_cancelled(named.run, *answer, wanted.as_json);
}

int cmd_runs_delete(const runs_command& wanted) {
  named_run named;
  if (auto found = find(wanted, named); !found)
    return report(found.error(), wanted.as_json);
  auto id = id_of(named.run);
  if (named.run.summary.phase() == RUN_GOES_ON)
    return report({exit_failed, "running",
                   "the run goes on: `troupe runs cancel " + id + "` ends it first", id},
                  wanted.as_json);
  RunDelete message;
  message.set_run(named.run.summary.run());
  auto gone = ask_owner<RunDeleted>(*named.cluster, named.run, std::move(message), owner_patience);
  if (!gone)
    return report(gone.error(), wanted.as_json);
  if (wanted.as_json)
    print_json({{"run", id}, {"deleted", true}});
  else
    print("run " + id + " is deleted\n");
  return exit_ok;
}

} // namespace troupe::cli
