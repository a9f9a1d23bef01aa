#include "actors/coordination/run_fold.hpp"

#include "actors/coordination/run_spans.hpp"
#include "config/limits/work.hpp"
#include "messages/value_bytes.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

failure contradiction(const std::string& what) {
  return {ec::bad_message, "the journal of the run contradicts itself: " + what};
}

task_usage usage_of(const AttemptEnd& end) {
  task_usage usage{node_from_bytes(end.node()), usage_in(end), end.duration_us(), {}};
  if (end.notes_size() > 0)
    usage.notes =
        std::make_shared<const std::vector<std::string>>(end.notes().begin(), end.notes().end());
  return usage;
}

} // namespace

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
  if (!apply_step(run, task, step))
    return false;
  if (!run.durable())
    return true;
  RunEvent noted;
  auto& made = *noted.mutable_step();
  made.set_index(task);
  made.set_attempt(run.state->attempt_of(task));
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

void run_fold::repeat_result(active_run& run, earlier_result noted) {
  begin_change(run);
  auto& done = *noted.succeeded.mutable_task_succeeded();
  auto task = done.end().index();
  auto levels = value_depth(done.output());
  if (!levels || task >= run.state->size() || run.state->status_of(task) != run_state::status::ready
      || run.state->id_of(task) != noted.task)
    return;
  auto usage = usage_of(done.end());
  usage.used = {}; // it was paid for by the run that is repeated
  succeeded(run, task, std::move(*done.mutable_output()), *levels, std::move(usage));
}

void run_fold::failed_for_now(active_run& run, std::uint32_t task, const failure& why,
                              const task_usage& usage) {
  if (run.durable()) {
    RunEvent noted;
    auto& made = *noted.mutable_task_failed();
    *made.mutable_end() = end_of(run, task, usage);
    *made.mutable_failure() = to_proto(why);
    made.set_again(true);
    journal_.note(run, noted);
  }
  apply_failed_for_now(run, task, why, usage);
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
    run.steps.erase(found);
  }
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
/// begun by an attempt of which nobody knows what it came to. An outcome never changes.
bool run_fold::apply_step(active_run& run, std::uint32_t task, const StepRecord& step) {
  auto& known = run.steps[task];
  if (step.number() == 0 || step.number() > known.steps.size() + 1)
    return false;
  bool begins = step.kind() == 0;
  if (step.number() == known.steps.size() + 1) {
    known.steps.push_back(step);
    known.on_its_way.push_back(begins);
    return true;
  }
  auto at = step.number() - 1;
  if (known.steps[at].kind() != 0) // told again, because its agent has not heard that it is kept
    return known.steps[at].kind() == step.kind() && known.steps[at].outcome() == step.outcome();
  if (begins && known.on_its_way[at]) {
    ++known.unknown;
    ++run.unknown_steps;
  }
  known.steps[at] = step;
  known.on_its_way[at] = begins;
  return true;
}

bool run_fold::is_told_whole(const failure& why, node_id told_by) {
  return told_by && why.code != ec::timed_out && why.code != ec::cancelled
         && why.code != ec::outcome_unknown;
}

/// An attempt has failed, and counts; another follows.
void run_fold::apply_failed_for_now(active_run& run, std::uint32_t task, const failure& why,
                                    const task_usage& usage) {
  auto& tries = run.tries_of(task);
  ++tries.used;
  tries.at_work_here = false;
  run.used += usage.used;
  if (auto found = run.steps.find(task); found != run.steps.end() && is_told_whole(why, usage.node))
    found->second.on_its_way.assign(found->second.steps.size(), false);
}

void run_fold::give_steps(const active_run& run, std::uint32_t task, Task& into) {
  if (!run.durable())
    return;
  into.set_durable(true);
  auto found = run.steps.find(task);
  if (found == run.steps.end())
    return;
  for (const auto& step : found->second.steps)
    *into.add_steps() = step;
}

// -- when it is read again ----------------------------------------------------------------------

result<std::unique_ptr<active_run>> run_fold::begin(run_id id, RunEvent first, node_id self) {
  if (!first.has_began())
    return unexpected{contradiction("it does not begin with its beginning")};
  auto& began = *first.mutable_began();
  auto run = std::make_unique<active_run>();
  value_map inputs;
  inputs.swap(*began.mutable_inputs());
  auto state = run_state::create(std::move(*began.mutable_graph()), std::move(inputs), nullptr);
  if (!state)
    return unexpected{std::move(state).error()};
  run->id = id;
  run->state = *std::move(state);
  run->durability = std::max(began.durability(), DURABILITY_ASYNC);
  run->key = began.key();
  run->tenant = name{began.tenant()};
  run->accepted_ms = began.accepted_ms();
  run->retry_of = began.retry_of();
  run->submitter = address::of_session({began.session()}, self);
  run->request = {{began.session()}, began.number()};
  run->began = instant{std::chrono::milliseconds{began.accepted_ms()}};
  restore_run_span(*run,
                   {{began.trace_hi(), began.trace_lo()},
                    {began.parent_span()},
                    static_cast<std::uint8_t>(began.trace_flags())},
                   {began.span()});
  return run;
}

result<void> run_fold::apply(active_run& run, RunEvent noted, node_id self) {
  begin_change(run);
  auto is_open = [&run](std::uint32_t task) {
    return task < run.state->size() && run.state->status_of(task) < run_state::status::done;
  };
  switch (noted.what_case()) {
    case RunEvent::kResumed:
      run.resumed = noted.resumed().times();
      for (auto& tries : run.tried)
        if (std::exchange(tries.at_work_here, false)) // it may be what ended the owner
          ++tries.used;
      return {};
    case RunEvent::kTaskStarted: {
      const auto& started = noted.task_started();
      if (!is_open(started.index()))
        return unexpected{contradiction("a task is begun that has ended")};
      run.tries_of(started.index()).at_work_here = node_from_bytes(started.node()) == self;
      return {};
    }
    case RunEvent::kStep:
      if (!is_open(noted.step().index())
          || !apply_step(run, noted.step().index(), noted.step().step()))
        return unexpected{contradiction("a step that follows no other")};
      return {};
    case RunEvent::kTaskSucceeded: {
      auto& done = *noted.mutable_task_succeeded();
      auto levels = value_depth(done.output());
      if (!is_open(done.end().index()) || !levels)
        return unexpected{contradiction("a result of a task that has ended, or of none")};
      run.tries_of(done.end().index()).at_work_here = false;
      apply_succeeded(run, done.end().index(), std::move(*done.mutable_output()), *levels,
                      usage_of(done.end()));
      return {};
    }
    case RunEvent::kTaskFailed: {
      const auto& failed = noted.task_failed();
      auto task = failed.end().index();
      if (!is_open(task))
        return unexpected{contradiction("a failure of a task that has ended")};
      run.tries_of(task).at_work_here = false;
      if (failed.again())
        apply_failed_for_now(run, task, from_proto(failed.failure()), usage_of(failed.end()));
      else
        apply_failed(run, task, from_proto(failed.failure()), usage_of(failed.end()));
      return {};
    }
    case RunEvent::kCancelAsked:
      run.closing = why_cancelled(noted.cancel_asked().reason());
      run.cancel_reason = cancel_word(noted.cancel_asked().reason());
      return {};
    case RunEvent::kFinished:
      return {};
    case RunEvent::kBegan:
    case RunEvent::WHAT_NOT_SET:
      break;
  }
  return unexpected{contradiction("an event that this version does not know")};
}

/// A task that was at work here whenever the owner ended may be why it did.
void run_fold::fail_exhausted(active_run& run) {
  for (std::uint32_t task = 0; task < run.tried.size(); ++task) {
    auto most = run.state->step_of(task).attempts();
    auto used = run.tried[task].used;
    if (used < (most > 0 ? most : limits::task_attempts)
        || run.state->status_of(task) >= run_state::status::done)
      continue;
    failed(run, task,
           {ec::unavailable,
            "its node ended while it worked on the task (attempt " + std::to_string(used) + ")"},
           {});
  }
}

void run_fold::resume(active_run& run) {
  RunEvent noted;
  noted.mutable_resumed()->set_times(run.resumed + 1);
  journal_.note(run, noted);
  auto applied = apply(run, std::move(noted), {});
  (void)applied; // always fine: it says nothing of tasks
  fail_exhausted(run);
  run.state->begin_life(run.first_attempt());
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
