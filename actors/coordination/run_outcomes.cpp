#include "actors/coordination/run_state.hpp"
#include "config/limits/work.hpp"
#include "messages/payload.hpp"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"

#include <limits>
#include <utility>

/// The part of run_state that tells how tasks and the run ended.
namespace troupe {

std::string run_state::id_of(std::uint32_t task) const {
  const auto& record = tasks_[task];
  const auto& id = written(record.step).id();
  return record.element == none ? id : id + "[" + std::to_string(record.element) + "]";
}

std::string run_state::label_of(std::uint32_t task) const {
  const auto& record = tasks_[task];
  const auto& id = written(record.step).id();
  return record.element == none ? id : id + " " + element_label(record.step, record.element);
}

// -- the end ----------------------------------------------------------------------------------

void run_state::report(RunEnded& into, const failure* cut_short) const {
  report_whole(into, cut_short);
  if (!cut_short) {
    copy_cursor whole;
    std::size_t all = std::numeric_limits<std::size_t>::max();
    std::string bytes;
    if (auto copied = report_result(bytes, whole, all); !copied)
      report_no_result(into, copied.error());
    else if (graph_.has_result())
      parse_message(*into.mutable_result(), bytes);
  }
  outcome_cursor at;
  report_outcomes(into, at, std::numeric_limits<std::size_t>::max(), cut_short);
}

/// A run that is cut short is not told as succeeded, even if all its tasks have: its result is not
/// told either.
void run_state::report_whole(RunEnded& into, const failure* cut_short) const {
  bool fine = ok() && !cut_short;
  into.set_ok(fine);
  if (!fine)
    *into.mutable_failure() = to_proto(cut_short ? *cut_short : why_failed());
}

result<bool> run_state::report_result(std::string& into, copy_cursor& at,
                                      std::size_t& bytes) const {
  if (!graph_.has_result())
    return true;
  return copy_source(graph_.result(), into, at, bytes);
}

void run_state::report_no_result(RunEnded& into, const failure& why) {
  if (!into.ok())
    return;
  into.set_ok(false);
  *into.mutable_failure() = to_proto({why.code, "the result of the run: " + why.message});
}

bool run_state::report_outcomes(RunEnded& into, outcome_cursor& at, std::size_t at_most,
                                const failure* cut_short) const {
  for (; at.step < steps_.size(); ++at.step, at.task = 0) {
    const auto& record = steps_[at.step];
    for (; record.has_tasks() && at.task < record.size; ++at.task) {
      if (at_most-- == 0)
        return true;
      report_task(*into.add_tasks(), record.first + at.task, cut_short);
    }
    if (record.has_tasks())
      continue;
    auto outcome = into.add_tasks();
    outcome->set_task(written(at.step).id());
    outcome->set_label(written(at.step).id());
    if (auto why = record.why_not ? record.why_not.get() : cut_short)
      *outcome->mutable_failure() = to_proto(*why);
  }
  return false;
}

std::uint32_t run_state::tries_of(std::uint32_t task) const {
  return (tasks_[task].attempt - 1) % limits::task_attempts_max + 1;
}

void run_state::report_task(TaskOutcome& into, std::uint32_t task, const failure* cut_short) const {
  const auto& record = tasks_[task];
  into.set_task(id_of(task));
  into.set_label(label_of(task));
  into.set_ok(record.now == status::done);
  if (auto why = record.why ? record.why.get() : cut_short; why && record.now != status::done)
    *into.mutable_failure() = to_proto(*why);
  if (record.now == status::done || record.now == status::failed) {
    into.set_attempts(tries_of(task));
    into.set_unknown_steps(record.usage.unknown_steps);
    if (record.usage.node) // none has told its end
      into.set_node(to_bytes(record.usage.node));
    set_usage(into, record.usage.used);
    into.set_duration_us(record.usage.duration_us);
    if (record.usage.notes)
      into.mutable_notes()->Assign(record.usage.notes->begin(), record.usage.notes->end());
  }
}

bool run_state::forget_tasks(std::size_t at_most) {
  for (; at_most > 0 && !tasks_.empty(); --at_most)
    tasks_.pop_back();
  return !tasks_.empty();
}

failure run_state::why_failed() const {
  auto failed = counts_.failed - not_run_;
  auto text = std::to_string(failed) + " of " + std::to_string(counts_.total())
              + (counts_.total() == 1 ? " task" : " tasks") + " failed, first " + first_failed_;
  if (not_run_ > 0)
    text += "; " + std::to_string(not_run_) + (not_run_ == 1 ? " was" : " were") + " not run";
  return {ec::task_failed, std::move(text)};
}

} // namespace troupe
