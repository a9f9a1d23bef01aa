// Durable runs that are followed once more: attached to, or begun again.

#include "messages/runs.pb.h"
#include "nodes/cli/attention.hpp"
#include "nodes/cli/command_trace.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/gathered_runs.hpp"
#include "nodes/cli/run_display.hpp"
#include "nodes/cli/trace_ids.hpp"
#include "nodes/exit_codes.hpp"

#include <cstdlib>
#include <functional>
#include <optional>

namespace troupe::cli {

namespace {

using following =
    std::function<cli_result<run_outcome>(run_watch&, const owned_run&, run_place, command_trace&)>;

cli_result<run_outcome> follow_found(const runs_command& wanted, const following& how,
                                     command_trace& trace, attention& attends,
                                     std::optional<attached_client>& cluster) {
  auto attached = attach_lasting(wanted.cluster, attends.fd());
  if (!attached)
    return unexpected{attached.error()};
  cluster = std::move(*attached);
  auto run = find_run(*cluster, wanted.run);
  if (!run)
    return unexpected{run.error()};
  remember_trace(cluster->data, trace.id());
  run_watch watch(*cluster, attends,
                  {.flags = wanted.cluster, .quiet = wanted.as_json, .detach = wanted.detach});
  return how(watch, *run, run_place{run->owner, run->owner_name, run->summary.graph()}, trace);
}

int follow_and_show(const runs_command& wanted, const char* called, const following& how) {
  auto output = prepare_output(wanted.output);
  if (!output)
    return report(output.error(), wanted.as_json);
  command_trace trace{called, std::getenv("TRACEPARENT")};
  auto outcome = [&] {
    attention attends; // ends before anything is printed: an output may wait for its reader
    std::optional<attached_client> cluster;
    auto done = follow_found(wanted, how, trace, attends, cluster);
    auto why = why_failed(done);
    trace.end(why ? why->exit_code : exit_ok, why ? &*why : nullptr, cluster ? &*cluster : nullptr);
    return done;
  }();
  if (!outcome)
    return report(outcome.error(), wanted.as_json);
  return show_run(*outcome, {.as_json = wanted.as_json, .output = wanted.output}, trace.id(),
                  *output);
}

} // namespace

int cmd_runs_attach(const runs_command& wanted) {
  return follow_and_show(
      wanted, "runs attach",
      [](run_watch& watch, const owned_run& run, run_place place, command_trace& trace) {
        return watch.attach(run_from_bytes(run.summary.run()), std::move(place), trace);
      });
}

int cmd_runs_retry(const runs_command& wanted) {
  if (wanted.detach && !wanted.output.empty())
    return report(usage_error("--detach does not wait for the run: --output is for `troupe runs "
                              "attach`"),
                  wanted.as_json);
  return follow_and_show(
      wanted, "runs retry",
      [&](run_watch& watch, const owned_run& run, run_place place,
          command_trace& trace) -> cli_result<run_outcome> {
        if (run.summary.phase() == RUN_GOES_ON && run.summary.waits_for_version() == 0)
          return unexpected{cli_error{exit_failed, "running",
                                      "the run goes on: `troupe runs attach "
                                          + to_string(run_from_bytes(run.summary.run()))
                                          + "` shows it"}};
        RunRetry retry;
        retry.set_run(run.summary.run());
        retry.set_failed(wanted.failed);
        retry.set_want_progress(!wanted.as_json && !wanted.detach);
        return watch.submit(payload::of(std::move(retry)), std::move(place), trace);
      });
}

} // namespace troupe::cli
