#include "actors/coordination/graph_values.hpp"
#include "actors/coordination/run_state.hpp"
#include "config/limits/runs.hpp"
#include "messages/runs.pb.h"
#include "messages/value_check.hpp"
#include "messages/values.pb.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

/// What a run's tasks are given, and what is told of them.
namespace troupe {

namespace {

/// Whether all tasks of a step are given the same in this field.
bool is_alike(const graph_plan::field& field) { return field.from->from_case() != Source::kItem; }

} // namespace

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

std::string run_state::element_label(std::uint32_t step, std::uint32_t element) const {
  while (plan_.steps[step].each) // the element of an element is called as that is
    step = plan_.steps[step].for_each_task;
  return troupe::label_of(steps_[step].list->list().items(static_cast<int>(element)), element);
}

// -- inputs -----------------------------------------------------------------------------------

result<void> run_state::fill_task(std::uint32_t task, Task& into) {
  const auto& record = tasks_[task];
  const auto& plan = plan_.steps[record.step];
  into.set_index(task);
  into.set_attempt(record.attempt);
  into.set_id(id_of(task));
  if (record.element != none)
    into.set_label(label_of(task));
  into.set_role(written(record.step).role());
  if (auto found = find_alike(record.step); !found)
    return found;
  const auto& alike = steps_[record.step].alike;
  into.set_shared_input(alike);
  for (auto f = plan.fields_begin; f < plan.fields_end; ++f) {
    const auto& field = plan_.fields[f];
    if (!alike.empty() && is_alike(field))
      continue;
    if (auto filled = fill_field(field, record, *into.mutable_input()); !filled)
      return filled;
  }
  return {};
}

result<void> run_state::fill_field(const graph_plan::field& field, const task_record& reader,
                                   value_map& into) const {
  Value value;
  auto copied = field.task == none ? copy_source(*field.from, &reader, value)
                                   : copy_results(field.task, *field.from, value);
  if (!copied)
    return fail(ec::invalid_argument, "the input `" + *field.name + "`: " + copied.error().message);
  if (value.kind_case() != Value::KIND_NOT_SET)
    into[*field.name] = std::move(value);
  return {};
}

/// Copying a list of N results for each of N tasks, value by value, would take N x N steps.
result<void> run_state::find_alike(std::uint32_t step) {
  auto& record = steps_[step];
  if (record.size < 2 || std::exchange(record.alike_known, true))
    return {};
  const auto& plan = plan_.steps[step];
  ValueMap alike;
  for (auto f = plan.fields_begin; f < plan.fields_end; ++f)
    if (is_alike(plan_.fields[f]))
      if (auto filled = fill_field(plan_.fields[f], tasks_[record.first], *alike.mutable_fields());
          !filled) {
        record.alike_known = false; // the next task says the same
        return filled;
      }
  if (alike.ByteSizeLong() >= limits::shared_input_bytes_min)
    record.alike = alike.SerializeAsString();
  return {};
}

std::uint32_t run_state::find_step(std::string_view id) const {
  auto found = std::find_if(graph_.tasks().begin(), graph_.tasks().end(),
                            [id](const GraphTask& t) { return t.id() == id; });
  return static_cast<std::uint32_t>(found - graph_.tasks().begin());
}

result<void> run_state::copy_source(const Source& from, const task_record* reader,
                                    Value& into) const {
  switch (from.from_case()) {
    case Source::kLiteral:
      return copy_path(from.literal(), from.path(), into);
    case Source::kInput: {
      auto found = inputs_.find(from.input());
      if (found == inputs_.end()) // not required and not given: the field is left out
        return {};
      return copy_path(found->second, from.path(), into);
    }
    case Source::kItem:
      assert(reader && "a plan has $item only in tasks of a for_each");
      return copy_item(from, *reader, into);
    case Source::kTask:
      return copy_results(find_step(from.task()), from, into);
    case Source::FROM_NOT_SET:
      break;
  }
  return fail(ec::invalid_argument, "a field without a value");
}

result<void> run_state::copy_item(const Source& from, const task_record& reader,
                                  Value& into) const {
  const auto& plan = plan_.steps[reader.step];
  if (!plan.each)
    return copy_path(steps_[reader.step].list->list().items(static_cast<int>(reader.element)),
                     from.path(), into);
  const auto& source = tasks_[steps_[plan.for_each_task].first + reader.element];
  const auto& list = written(reader.step).for_each();
  if (list.path().empty())
    return copy_path(source.output, from.path(), into);
  Value element;
  if (auto copied = copy_path(source.output, list.path(), element); !copied)
    return copied;
  return copy_path(element, from.path(), into);
}

result<void> run_state::copy_results(std::uint32_t step, const Source& from, Value& into) const {
  const auto& record = steps_[step];
  if (!record.complete || record.spoiled)
    return fail(ec::not_found, "`" + written(step).id() + "` has no result");
  if (!written(step).has_for_each())
    return copy_path(tasks_[record.first].output, from.path(), into);
  auto list = into.mutable_list();
  list->mutable_items()->Reserve(static_cast<int>(record.size));
  for (auto task = record.first; task < record.first + record.size; ++task)
    if (auto copied = copy_path(tasks_[task].output, from.path(), *list->add_items()); !copied)
      return copied;
  // The list is one level more than what is in it, which was checked where it was made.
  return record.deepest ? check_value(into, "the results of `" + written(step).id() + "`")
                        : result<void>{};
}

// -- the end ----------------------------------------------------------------------------------

void run_state::report(RunEnded& into, const failure* cut_short) const {
  report_whole(into, cut_short);
  outcome_place at;
  report_outcomes(into, at, std::numeric_limits<std::size_t>::max(), cut_short);
}

void run_state::report_whole(RunEnded& into, const failure* cut_short) const {
  into.set_ok(ok());
  if (!ok())
    *into.mutable_failure() = to_proto(cut_short ? *cut_short : why_failed());
  if (!graph_.has_result() || cut_short)
    return;
  Value made;
  if (auto copied = copy_source(graph_.result(), nullptr, made); copied) {
    *into.mutable_result() = std::move(made);
  } else if (into.ok()) {
    into.set_ok(false);
    *into.mutable_failure() =
        to_proto({copied.error().code, "the result of the run: " + copied.error().message});
  }
}

bool run_state::report_outcomes(RunEnded& into, outcome_place& at, std::size_t at_most,
                                const failure* cut_short) const {
  for (; at.step < steps_.size(); ++at.step, at.task = 0) {
    const auto& record = steps_[at.step];
    for (; at.task < record.size; ++at.task) {
      if (at_most-- == 0)
        return true;
      report_task(*into.add_tasks(), record.first + at.task, cut_short);
    }
    if (record.unfolded)
      continue;
    auto outcome = into.add_tasks();
    outcome->set_task(written(at.step).id());
    outcome->set_label(written(at.step).id());
    if (auto why = record.dead ? record.dead.get() : cut_short)
      *outcome->mutable_failure() = to_proto(*why);
  }
  return false;
}

void run_state::report_task(TaskOutcome& into, std::uint32_t task, const failure* cut_short) const {
  const auto& record = tasks_[task];
  into.set_task(id_of(task));
  into.set_label(label_of(task));
  into.set_ok(record.now == status::done);
  if (auto why = record.why ? record.why.get() : cut_short; why && record.now != status::done)
    *into.mutable_failure() = to_proto(*why);
  if (record.now == status::done || record.now == status::failed) {
    into.set_attempts(record.attempt);
    into.set_node(to_bytes(record.usage.node));
    into.set_input_tokens(record.usage.input_tokens);
    into.set_output_tokens(record.usage.output_tokens);
    into.set_duration_us(record.usage.duration_us);
  }
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
