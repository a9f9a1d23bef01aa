#include "actors/coordination/run_fold.hpp"

#include "config/limits/runs.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

// -- as it happens ------------------------------------------------------------------------------

void run_fold::began(const active_run& run, const envelope& submission, const value_map& inputs) {
  if (!run.durable())
    return;
  RunEvent noted;
  auto& made = *noted.mutable_began();
  *made.mutable_graph() = run.state->graph();
  *made.mutable_inputs() = inputs;
  made.set_durability(run.durability);
  made.set_key(run.key);
  made.set_tenant(std::string{run.tenant.text()});
  made.set_accepted_ms(run.accepted_ms);
  made.set_session(submission.sender.session.value);
  made.set_number(submission.id.sequence);
  made.set_trace_hi(run.inside.trace.hi);
  made.set_trace_lo(run.inside.trace.lo);
  made.set_trace_flags(run.inside.flags);
  made.set_parent_span(submission.trace.span.value);
  made.set_span(run.root ? run.root->span() : 0);
  made.set_retry_of(run.retry_of);
  run.roles.tell(made);
  journal_.note(run, noted);
}

void run_fold::started(active_run& run, std::uint32_t task, node_id node, bool here) {
  run.tries_of(task).at_work_here = here;
  if (!run.durable())
    return;
  RunEvent noted;
  auto& made = *noted.mutable_task_started();
  made.set_index(task);
  made.set_attempt(run.state->attempt_of(task));
  made.set_node(to_bytes(node));
  journal_.note(run, noted);
}

/// Noted only once it fits: a journal with one that does not could not be read again.
bool run_fold::step(active_run& run, std::uint32_t task, const StepRecord& step) {
  auto attempt = run.state->attempt_of(task);
  auto taken_as = apply_step(run, task, attempt, step);
  if (!run.durable() || taken_as != taken::anew)
    return taken_as != taken::contradicts;
  RunEvent noted;
  auto& made = *noted.mutable_step();
  made.set_index(task);
  made.set_attempt(attempt);
  *made.mutable_step() = step;
  journal_.note(run, noted);
  return true;
}

void run_fold::succeeded(active_run& run, std::uint32_t task, std::string output, int levels,
                         task_usage usage) {
  if (run.durable()) {
    RunEvent noted;
    auto& made = *noted.mutable_task_succeeded();
    *made.mutable_end() = end_of(run, task, usage);
    made.set_output(output);
    journal_.note(run, noted);
  }
  apply_succeeded(run, task, std::move(output), levels, std::move(usage));
}

void run_fold::failed_for_now(active_run& run, std::uint32_t task, const failure& why,
                              const task_usage& usage, bool counts) {
  if (run.durable()) {
    RunEvent noted;
    auto& made = *noted.mutable_task_failed();
    *made.mutable_end() = end_of(run, task, usage);
    *made.mutable_failure() = to_proto(why);
    made.set_again(true);
    made.set_uncounted(!counts);
    journal_.note(run, noted);
  }
  apply_failed_for_now(run, task, why, usage, counts);
}

void run_fold::failed(active_run& run, std::uint32_t task, failure why, task_usage usage) {
  if (run.durable()) {
    RunEvent noted;
    auto& made = *noted.mutable_task_failed();
    *made.mutable_end() = end_of(run, task, usage);
    *made.mutable_failure() = to_proto(why);
    journal_.note(run, noted);
  }
  apply_failed(run, task, std::move(why), std::move(usage));
}

void run_fold::cancel_asked(const active_run& run, CancelReason reason) {
  if (!run.durable())
    return;
  RunEvent noted;
  noted.mutable_cancel_asked()->set_reason(reason);
  journal_.note(run, noted);
}

void run_fold::left(const active_run& run) {
  bool one_is_at_work = std::any_of(run.tried.begin(), run.tried.end(),
                                    [](const auto& tries) { return tries.at_work_here; });
  if (!run.durable() || !one_is_at_work)
    return;
  RunEvent noted;
  noted.mutable_left();
  journal_.note(run, noted);
}

void run_fold::finished(const active_run& run, RunSummary summary, std::string ended) {
  if (!run.durable())
    return;
  RunEvent noted;
  auto& made = *noted.mutable_finished();
  *made.mutable_summary() = std::move(summary);
  made.set_ended(std::move(ended));
  journal_.note(run, noted);
}

AttemptEnd run_fold::end_of(const active_run& run, std::uint32_t task, const task_usage& usage) {
  AttemptEnd end;
  end.set_index(task);
  end.set_attempt(run.state->attempt_of(task));
  if (usage.node)
    end.set_node(to_bytes(usage.node));
  set_usage(end, usage.used);
  end.set_duration_us(usage.duration_us);
  if (usage.notes)
    end.mutable_notes()->Assign(usage.notes->begin(), usage.notes->end());
  return end;
}

// -- what it does to the state ------------------------------------------------------------------

void run_fold::begin_change(active_run& run) {
  if (run.durable())
    run.state->go_on_to_the_end();
}

void run_fold::end_task(active_run& run, std::uint32_t task, task_usage& usage) {
  run.used += usage.used;
  if (auto found = run.steps.find(task); found != run.steps.end()) {
    usage.unknown_steps = found->second.unknown;
    run.steps_bytes -= found->second.bytes;
    run.steps.erase(found);
  }
  run.versions.erase(task);
}

void run_fold::apply_succeeded(active_run& run, std::uint32_t task, std::string output, int levels,
                               task_usage usage) {
  begin_change(run);
  end_task(run, task, usage);
  run.state->succeeded(task, std::move(output), levels, usage);
}

void run_fold::apply_failed(active_run& run, std::uint32_t task, failure why, task_usage usage) {
  begin_change(run);
  end_task(run, task, usage);
  run.state->failed(task, std::move(why), usage);
}

/// Steps are numbered from 1 without holes. One that is begun again while it may be on its way was
/// begun by an attempt of which nobody knows what it came to, unless the same attempt tells it
/// again, because it has not heard that it is kept. An outcome never changes.
run_fold::taken run_fold::apply_step(active_run& run, std::uint32_t task, std::uint32_t attempt,
                                     const StepRecord& step) {
  auto& known = run.steps[task];
  if (step.number() == 0 || step.number() > known.steps.size() + 1)
    return taken::contradicts;
  bool begins = step.kind() == 0;
  if (step.number() == known.steps.size() + 1) {
    known.steps.emplace_back();
    known.begun_by.push_back(0);
    known.bytes += limits::step_weight;
    run.steps_bytes += limits::step_weight;
  }
  auto& one = known.steps[step.number() - 1];
  auto& begun_by = known.begun_by[step.number() - 1];
  if (one.kind() != 0)
    return one.kind() == step.kind() && one.outcome() == step.outcome() ? taken::known
                                                                        : taken::contradicts;
  if (begins && begun_by == attempt)
    return taken::known;
  if (begins && begun_by != 0) {
    ++known.unknown;
    ++run.unknown_steps;
  }
  known.bytes += step.outcome().size();
  run.steps_bytes += step.outcome().size();
  one = step;
  begun_by = begins ? attempt : 0;
  return taken::anew;
}

/// An agent that fails or is stopped leaves its calls behind; so does one whose owner did not
/// answer.
bool run_fold::is_told_whole(const failure& why, node_id told_by) {
  switch (why.code) {
    case ec::timed_out:
    case ec::cancelled:
    case ec::outcome_unknown:
    case ec::agent_failed:
    case ec::unavailable:
      return false;
    default:
      return bool{told_by};
  }
}

void run_fold::apply_failed_for_now(active_run& run, std::uint32_t task, const failure& why,
                                    const task_usage& usage, bool counts) {
  auto& tries = run.tries_of(task);
  if (counts)
    ++tries.used;
  tries.at_work_here = false;
  run.used += usage.used;
  if (auto found = run.steps.find(task); found != run.steps.end() && is_told_whole(why, usage.node))
    found->second.begun_by.assign(found->second.steps.size(), 0);
}

void run_fold::give_steps(const active_run& run, std::uint32_t task, Task& into) {
  if (!run.durable())
    return;
  into.set_durable(true);
  auto found = run.steps.find(task);
  if (found == run.steps.end())
    return;
  const auto& known = found->second;
  for (std::size_t i = 0; i < known.steps.size(); ++i) {
    auto& step = *into.add_steps();
    step = known.steps[i];
    step.set_unknown(step.kind() == 0 && known.begun_by[i] != 0);
  }
}

// -- why a run was cancelled -------------------------------------------------------------------

std::string_view cancel_word(CancelReason reason) {
  switch (reason) {
    case CANCEL_CLIENT_TIMEOUT:
      return "client_timeout";
    case CANCEL_INTERRUPTED:
      return "interrupted";
    default:
      return "requested";
  }
}

failure why_cancelled(CancelReason reason) {
  switch (reason) {
    case CANCEL_CLIENT_TIMEOUT:
      return {ec::cancelled,
              "the run was cancelled: it did not end in the time its client gave it"};
    case CANCEL_INTERRUPTED:
      return {ec::cancelled, "the run was cancelled: its client was interrupted"};
    default:
      return {ec::cancelled, "the run was cancelled"};
  }
}

} // namespace troupe
