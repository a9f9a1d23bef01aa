#include "actors/coordination/gathered_steps.hpp"

#include "actors/coordination/run_fold.hpp"
#include "config/limits/runs.hpp"
#include "messages/models.pb.h"
#include "messages/payload.hpp"

#include <string>
#include <utility>

namespace troupe {

namespace {

/// What the recorded outcome says of its cost. One that cannot be read says nothing.
void tell_outcome(StepShown& into, const StepRecord& step) {
  if (step.kind() == static_cast<std::uint32_t>(payload_kind::ModelAnswer)) {
    ModelAnswer answer;
    if (parse_message(answer, step.outcome()))
      set_usage(into, usage_in(answer));
  } else if (step.kind() == static_cast<std::uint32_t>(payload_kind::EmbeddingAnswer)) {
    EmbeddingAnswer answer;
    if (parse_message(answer, step.outcome()))
      set_usage(into, {answer.input_tokens(), 0, answer.cost_nano_usd()});
  } else if (step.kind() == static_cast<std::uint32_t>(payload_kind::Failure)) {
    Failure why;
    if (!parse_message(why, step.outcome()))
      return;
    set_usage(into, usage_in(why));
    *into.mutable_failure() = std::move(why);
  }
}

} // namespace

void gathered_steps::note(const RunEvent& noted, bool unknown) {
  switch (noted.what_case()) {
    case RunEvent::kStep:
      return step(noted.step().index(), noted.step().step(), unknown);
    case RunEvent::kTaskStarted: // another attempt: nothing was heard of the end of the one before
      return attempt_ended(noted.task_started().index(), STEP_UNKNOWN);
    case RunEvent::kTaskSucceeded:
      return attempt_ended(noted.task_succeeded().end().index(), STEP_NOT_RECORDED);
    case RunEvent::kTaskFailed: {
      const auto& failed = noted.task_failed();
      bool whole = run_fold::is_told_whole(from_proto(failed.failure()),
                                           node_from_bytes(failed.end().node()));
      return attempt_ended(failed.end().index(), whole ? STEP_NOT_RECORDED : STEP_UNKNOWN);
    }
    case RunEvent::kStepsSetAside:
      for (auto task : noted.steps_set_aside().index())
        if (auto found = steps_.find(task); found != steps_.end()) {
          count_ -= found->second.size();
          steps_.erase(found);
        }
      return;
    case RunEvent::kResumed:
    case RunEvent::kFinished:
      for (const auto& [task, steps] : steps_)
        attempt_ended(task, STEP_UNKNOWN);
      return;
    default:
      return;
  }
}

void gathered_steps::step(std::uint32_t task, const StepRecord& step, bool unknown) {
  if (task < from_task_ || task >= next_task_)
    return;
  auto& known = steps_[task];
  if (step.number() > known.size()) {
    known.resize(step.number());
    ++count_;
  }
  auto& one = known[step.number() - 1];
  one.set_number(step.number());
  one.set_what(step.what());
  one.set_unknown(one.unknown() + (unknown ? 1 : 0));
  if (step.kind() != 0) {
    one.set_state(STEP_RECORDED);
    tell_outcome(one, step);
  } else if (one.state() != STEP_RECORDED) {
    one.set_state(STEP_OPEN);
    one.set_attempts(one.attempts() + 1);
  }
  keep_few();
}

/// Its calls that were on their way are not any more.
void gathered_steps::attempt_ended(std::uint32_t task, StepState left_open) {
  auto found = steps_.find(task);
  if (found == steps_.end())
    return;
  for (auto& step : found->second)
    if (step.state() == STEP_OPEN)
      step.set_state(left_open);
}

void gathered_steps::keep_few() {
  while (count_ > limits::steps_listed_max && steps_.size() > 1) {
    auto last = std::prev(steps_.end());
    next_task_ = last->first;
    count_ -= last->second.size();
    steps_.erase(last);
  }
}

void gathered_steps::tell(RunShown& into, const run_state& run) const {
  for (const auto& [task, steps] : steps_) {
    auto called = run.id_of(task);
    for (const auto& step : steps) {
      auto& told = *into.add_steps();
      told = step;
      told.set_task(called);
    }
  }
  into.set_next_task(next_task_ == ~0u ? 0 : next_task_);
}

} // namespace troupe
