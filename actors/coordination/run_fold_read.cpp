// A run out of the events of its journal, and what its owner goes on with.

#include "actors/coordination/run_fold.hpp"
#include "actors/coordination/run_spans.hpp"
#include "config/limits/work.hpp"
#include "messages/value_bytes.hpp"

#include <algorithm>
#include <memory>
#include <string>
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
  run->roles.restore(began);
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
    case RunEvent::kLeft:
      for (auto& tries : run.tried)
        tries.at_work_here = false;
      return {};
    case RunEvent::kStep: {
      const auto& told = noted.step();
      if (!is_open(told.index())
          || apply_step(run, told.index(), told.attempt(), told.step()) == taken::contradicts)
        return unexpected{contradiction("a step that follows no other")};
      return {};
    }
    case RunEvent::kStepsSetAside:
      apply_set_aside(run, std::move(*noted.mutable_steps_set_aside()));
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
        apply_failed_for_now(run, task, from_proto(failed.failure()), usage_of(failed.end()),
                             !failed.uncounted());
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

} // namespace troupe
