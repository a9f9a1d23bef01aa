#include "actors/coordination/graph_values.hpp"
#include "actors/coordination/run_state.hpp"
#include "config/limits/runs.hpp"
#include "messages/payload.hpp"
#include "messages/runs.pb.h"
#include "messages/value_bytes.hpp"
#include "messages/value_check.hpp"
#include "messages/values.pb.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

/// The part of run_state that makes the inputs of tasks.
namespace troupe {

namespace {

/// Whether this field is the same for all tasks of a step.
bool is_alike(const graph_plan::field& field) { return field.from->from_case() != Source::kItem; }

failure in_field(const std::string& name, const failure& why) {
  return {ec::invalid_argument, "the input `" + name + "`: " + why.message};
}

void take(std::size_t& from, std::size_t bytes) { from -= std::min(from, bytes); }

} // namespace

std::string_view run_state::element(std::uint32_t step, std::uint32_t at) const {
  const auto& list = *steps_[step].list;
  wire_walk walk{list.items.substr(list.at[at])};
  auto found = walk.next();
  return found ? found->bytes : std::string_view{};
}

std::string run_state::element_label(std::uint32_t step, std::uint32_t at) const {
  while (plan_.steps[step].each) // an element of an element has the same label
    step = plan_.steps[step].for_each_task;
  return troupe::label_of(element(step, at), at);
}

// -- a task -----------------------------------------------------------------------------------

result<void> run_state::fill_task(std::uint32_t task, Task& into) {
  const auto& record = tasks_[task];
  const auto& plan = plan_.steps[record.step];
  into.set_index(task);
  into.set_attempt(record.attempt);
  into.set_id(id_of(task));
  if (record.element != none)
    into.set_label(label_of(task));
  into.set_role(written(record.step).role());
  std::size_t all = std::numeric_limits<std::size_t>::max();
  if (auto made = prepare(task, all); !made)
    return unexpected{std::move(made).error()};
  give_alike(steps_[record.step], into);
  for (auto f = plan.fields_begin; f < plan.fields_end; ++f)
    if (!is_alike(plan_.fields[f]))
      if (auto filled = fill_item(plan_.fields[f], record, into); !filled)
        return filled;
  return {};
}

void run_state::give_alike(step_record& record, Task& into) {
  if (record.alike.empty())
    return;
  if (record.alike.size() < limits::shared_input_bytes_min) {
    ValueMap parsed;
    parse_message(parsed, record.alike);
    into.mutable_input()->swap(*parsed.mutable_fields());
  } else if (record.size > 1) {
    into.set_shared_input(record.alike);
  } else { // no other task needs it; another attempt makes it again
    kept_bytes_ -= record.alike.size();
    into.set_shared_input(std::move(record.alike));
    record.alike = {};
    record.alike_known = false;
  }
}

result<void> run_state::fill_item(const graph_plan::field& field, const task_record& reader,
                                  Task& into) const {
  std::string value;
  if (auto copied = copy_item(*field.from, reader, value); !copied)
    return unexpected{in_field(*field.name, copied.error())};
  if (value.empty())
    return {};
  if (value.size() < limits::shared_input_bytes_min) {
    parse_message((*into.mutable_input())[*field.name], value);
    return {};
  }
  auto& shared = *into.mutable_shared_input();
  auto entry = begin_field(shared, 1);
  append_field(shared, 1, *field.name);
  append_field(shared, 2, value);
  end_field(shared, entry);
  return {};
}

// -- what tasks are given alike ---------------------------------------------------------------

result<bool> run_state::prepare(std::uint32_t task, std::size_t& bytes) {
  auto step = tasks_[task].step;
  auto& record = steps_[step];
  if (record.alike_known)
    return true;
  if (record.unmade)
    return unexpected{*record.unmade};
  auto at = record.making ? *record.making : alike_cursor{plan_.steps[step].fields_begin};
  auto before = record.alike.size();
  auto made = make_alike(step, at, bytes);
  record.alike_known = made && *made;
  record.making.reset();
  if (!made)
    record.alike = {};
  if (!made && record.size > 1) // it holds for the other tasks, too
    record.unmade = std::make_unique<failure>(made.error());
  else if (made && !*made)
    record.making = std::make_unique<alike_cursor>(at);
  kept_bytes_ += record.alike.size();
  kept_bytes_ -= before;
  return made;
}

/// Copying a list of N results for each of N tasks would cost N x N; copying it in one call would
/// take too long.
result<bool> run_state::make_alike(std::uint32_t step, alike_cursor& at, std::size_t& bytes) {
  auto& into = steps_[step].alike;
  for (; at.field < plan_.steps[step].fields_end; ++at.field) {
    const auto& field = plan_.fields[at.field];
    if (!is_alike(field))
      continue;
    if (bytes == 0)
      return false;
    if (!std::exchange(at.begun, true)) {
      at.begin = into.size();
      at.entry = begin_field(into, 1);
      append_field(into, 1, *field.name);
      at.value = begin_field(into, 2);
      at.copy = {};
    }
    auto copied = field.task == none ? copy_source(*field.from, into, at.copy, bytes)
                                     : copy_results(field.task, *field.from, into, at.copy, bytes);
    if (!copied)
      return unexpected{in_field(*field.name, copied.error())};
    if (!*copied)
      return false;
    at.begun = false;
    if (into.size() > at.value) {
      end_field(into, at.value);
      end_field(into, at.entry);
    } else { // an optional input that is not given: the field is left out
      into.resize(at.begin);
    }
  }
  return true;
}

std::uint32_t run_state::find_step(std::string_view id) const {
  auto found = std::find_if(graph_.tasks().begin(), graph_.tasks().end(),
                            [id](const GraphTask& t) { return t.id() == id; });
  return static_cast<std::uint32_t>(found - graph_.tasks().begin());
}

result<bool> run_state::copy_source(const Source& from, std::string& into, copy_cursor& at,
                                    std::size_t& bytes) const {
  auto copy = [&](std::string_view value) -> result<bool> {
    take(bytes, value.size());
    if (auto copied = append_path(value, from.path(), into); !copied)
      return unexpected{std::move(copied).error()};
    return true;
  };
  switch (from.from_case()) {
    case Source::kLiteral:
      return copy(from.literal().SerializeAsString());
    case Source::kInput: {
      auto found = inputs_.find(from.input());
      return found == inputs_.end() ? result<bool>{true} : copy(found->second);
    }
    case Source::kTask:
      return copy_results(find_step(from.task()), from, into, at, bytes);
    case Source::kItem:
      assert(false && "a plan has $item only in tasks of a for_each");
      break;
    case Source::FROM_NOT_SET:
      break;
  }
  return fail(ec::invalid_argument, "a field without a value");
}

/// The value in one piece, if it is stored like that: then it is not copied.
std::optional<std::string_view> run_state::find_whole(const Source& from) const {
  std::string_view value;
  if (from.has_input()) {
    if (auto found = inputs_.find(from.input()); found != inputs_.end())
      value = found->second;
  } else if (from.has_task()) {
    auto step = find_step(from.task());
    const auto& record = steps_[step];
    if (record.now == phase::done && !written(step).has_for_each())
      value = tasks_[record.first].output;
  }
  // A short string may move with its record.
  return value.size() > sizeof(std::string) ? find_path(value, from.path()) : std::nullopt;
}

result<void> run_state::copy_item(const Source& from, const task_record& reader,
                                  std::string& into) const {
  const auto& plan = plan_.steps[reader.step];
  if (!plan.each)
    return append_path(element(reader.step, reader.element), from.path(), into);
  const auto& source = tasks_[steps_[plan.for_each_task].first + reader.element];
  const auto& list = written(reader.step).for_each();
  if (list.path().empty())
    return append_path(source.output, from.path(), into);
  std::string found;
  if (auto copied = append_path(source.output, list.path(), found); !copied)
    return copied;
  return append_path(found, from.path(), into);
}

/// Each element counts for more than its bytes, because finding a path in it costs, too.
result<bool> run_state::copy_results(std::uint32_t step, const Source& from, std::string& into,
                                     copy_cursor& at, std::size_t& bytes) const {
  const auto& record = steps_[step];
  if (record.now != phase::done)
    return fail(ec::not_found, "`" + written(step).id() + "` has no result");
  if (!written(step).has_for_each()) {
    const auto& output = tasks_[record.first].output;
    take(bytes, output.size());
    if (auto copied = append_path(output, from.path(), into); !copied)
      return unexpected{std::move(copied).error()};
    return true;
  }
  if (!std::exchange(at.begun, true)) {
    if (from.path().empty())
      into.reserve(into.size() + record.output_bytes + (record.size + 1) * begun_field_bytes);
    at.begin = into.size();
    at.list = begin_field(into, Value::kList);
  }
  for (; at.task < record.size; ++at.task) {
    if (bytes == 0)
      return false;
    const auto& output = tasks_[record.first + at.task].output;
    take(bytes, output.size() + limits::element_weight);
    auto element = begin_field(into, 1);
    if (auto copied = append_path(output, from.path(), into); !copied)
      return unexpected{std::move(copied).error()};
    end_field(into, element);
  }
  end_field(into, at.list);
  if (!record.deepest)
    return true;
  // The list is one level more than what is in it, which was checked where it was made.
  Value made;
  parse_message(made, std::string_view{into}.substr(at.begin));
  auto fine = check_value(made, "the results of `" + written(step).id() + "`");
  return fine ? result<bool>{true} : unexpected{std::move(fine).error()};
}

} // namespace troupe
