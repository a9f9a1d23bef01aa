#include "actors/coordination/run_state.hpp"

#include "actors/coordination/graph_values.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/work.hpp"
#include "messages/runs.pb.h"
#include "messages/value_bytes.hpp"
#include "messages/values.pb.h"

#include <cassert>
#include <limits>

namespace troupe {

result<std::unique_ptr<run_state>> run_state::create(Graph graph, value_map inputs,
                                                     const role_names* known) {
  std::unique_ptr<run_state> made{new run_state{std::move(graph)}};
  auto plan = plan_graph(made->graph_, known);
  if (!plan)
    return fail(ec::invalid_argument, to_string(plan.error()));
  if (auto fine = check_inputs(made->graph_, inputs); !fine)
    return unexpected{std::move(fine).error()};
  if (auto fine = check_fields(inputs, "the inputs of the run"); !fine)
    return unexpected{std::move(fine).error()};
  if (auto fine = check_literals(made->graph_); !fine)
    return unexpected{std::move(fine).error()};
  settle_inputs(made->graph_, inputs);
  made->plan_ = *std::move(plan);
  made->begin(inputs);
  return made;
}

void run_state::begin(const value_map& inputs) {
  for (const auto& [key, value] : inputs)
    inputs_.emplace(key, value.SerializeAsString());
  steps_.resize(plan_.steps.size());
  ready_.resize(plan_.roles.size());
  tasks_.reserve(steps_.size());
  counts_.waiting = static_cast<std::uint32_t>(steps_.size());
  for (const auto& field : plan_.fields)
    if (field.task != none)
      steps_[field.task].wanted = true;
  if (plan_.result_task != none)
    steps_[plan_.result_task].wanted = true;
  for (std::uint32_t step = 0; step < steps_.size(); ++step) {
    steps_[step].needs = plan_.steps[step].needs;
    if (plan_.steps[step].for_each_task == none)
      jobs_.push({job::unfold, step});
    else
      steps_[plan_.steps[step].for_each_task].wanted = true;
  }
  work_off();
}

value_map run_state::inputs() const {
  value_map all;
  for (const auto& [key, bytes] : inputs_)
    parse_message(all[key], bytes);
  return all;
}

void run_state::go_on() { work_off(); }

void run_state::go_on_to_the_end() {
  while (!jobs_.empty())
    work_off();
}

void run_state::begin_life(std::uint32_t first_attempt) {
  go_on_to_the_end();
  for (auto& list : ready_)
    list = {};
  woken_.clear();
  for (std::uint32_t task = 0; task < tasks_.size(); ++task) {
    auto& record = tasks_[task];
    if (record.now >= status::done)
      continue;
    record.attempt = first_attempt;
    if (record.begun)
      make_ready(task);
  }
}

void run_state::work_off() {
  work_left_ = limits::run_work_per_call_max;
  while (!jobs_.empty() && work_left_ > 0) {
    take_work(1);
    auto now = jobs_.pop();
    switch (now.what) {
      case job::unfold:
        unfold(now);
        break;
      case job::release:
        release(now);
        break;
      case job::task_closed:
        task_closed(now.which);
        break;
      case job::step_closed:
        step_closed(now.which);
        break;
      case job::step_given_up:
        step_given_up(now);
        break;
    }
  }
}

/// A job that has begun ends before any other one: the tasks of a step have numbers in a row.
bool run_state::may_do(const todo& now, std::uint32_t from) {
  if (work_left_ > 0) {
    take_work(1);
    return true;
  }
  jobs_.push_front({now.what, now.which, from});
  return false;
}

// -- beginning --------------------------------------------------------------------------------

/// Sets the list of the step, and says how many tasks it becomes.
result<std::uint32_t> run_state::find_list(std::uint32_t step) {
  const auto& plan = plan_.steps[step];
  if (!written(step).has_for_each())
    return 1u;
  if (plan.each)
    return steps_[plan.for_each_task].size;
  const auto& from = written(step).for_each();
  auto list = std::make_unique<element_list>();
  auto whole = find_whole(from);
  copy_cursor at;
  std::size_t all = std::numeric_limits<std::size_t>::max();
  if (auto copied = whole ? result<bool>{true} : copy_source(from, list->own, at, all); !copied)
    return fail(ec::invalid_argument, "for_each: " + copied.error().message);
  auto seen = view_value(whole.value_or(list->own));
  if (seen.kind == Value::KIND_NOT_SET) // an optional input that is not given
    return 0u;
  if (seen.kind != Value::kList)
    return fail(ec::invalid_argument,
                "for_each wants a list, found " + std::string{kind_name(seen.kind)});
  list->items = seen.field.bytes;
  wire_walk walk{list->items};
  while (auto item = walk.next())
    if (item->number == 1 && item->is_bytes)
      list->at.push_back(static_cast<std::uint32_t>(item->size_before));
  kept_bytes_ += list->own.size();
  steps_[step].list = std::move(list);
  return static_cast<std::uint32_t>(steps_[step].list->at.size());
}

/// How many tasks the step becomes.
result<std::uint32_t> run_state::begin_unfolding(std::uint32_t step) {
  auto size = find_list(step);
  if (size && tasks_.size() + *size > limits::run_tasks_max)
    return fail(ec::too_large, "for_each over " + std::to_string(*size)
                                   + " elements: a run has at most "
                                   + std::to_string(limits::run_tasks_max) + " tasks");
  if (size)
    steps_[step].first = static_cast<std::uint32_t>(tasks_.size());
  return size;
}

void run_state::unfold(const todo& now) {
  auto step = now.which;
  auto& record = steps_[step];
  if (record.now != phase::folded && record.now != phase::unfolding)
    return;
  if (record.now == phase::folded) {
    auto size = begin_unfolding(step);
    if (!size) {
      remember_first(written(step).id(), size.error().message);
      return give_up_step(step, std::move(size).error());
    }
    record.size = *size;
    record.now = phase::unfolding;
  }
  for (auto i = now.from; i < record.size; ++i) {
    if (!may_do(now, i))
      return;
    auto& task = tasks_.emplace_back();
    task.step = step;
    task.element = written(step).has_for_each() ? i : none;
  }
  record.now = phase::open;
  record.open = record.size;
  counts_.waiting += record.size;
  counts_.waiting -= 1; // the step itself was counted until now
  const auto& plan = plan_.steps[step];
  for (auto e = plan.edges_begin; e < plan.each_end; ++e)
    jobs_.push({job::unfold, plan_.edges[e]});
  if (record.needs == 0)
    jobs_.push({job::release, step});
}

void run_state::release(const todo& now) {
  auto step = now.which;
  const auto& record = steps_[step];
  const auto& plan = plan_.steps[step];
  if (record.is_given_up() || !record.has_tasks())
    return;
  for (auto i = now.from; i < record.size; ++i) {
    if (!may_do(now, i))
      return;
    auto task = record.first + i;
    if (tasks_[task].begun || tasks_[task].now != status::waiting)
      continue;
    if (!plan.each || tasks_[steps_[plan.for_each_task].first + i].now == status::done)
      make_ready(task);
  }
  if (record.open == 0)
    jobs_.push({job::step_closed, step});
}

void run_state::make_ready(std::uint32_t task) {
  move_to(task, status::ready);
  tasks_[task].begun = true;
  tasks_[task].ready = now_;
  auto role = role_of(task);
  if (ready_[role].empty())
    woken_.push_back(role);
  ready_[role].push(task);
}

void run_state::hold_back(std::uint32_t task, bool next_attempt) {
  if (next_attempt)
    ++tasks_[task].attempt;
  move_to(task, status::waiting);
}

std::uint32_t& run_state::count_in(task_counts& counts, status s) {
  switch (s) {
    case status::waiting:
    case status::ready:
      return counts.waiting;
    case status::queued:
      return counts.queued;
    case status::running:
      return counts.running;
    case status::done:
      return counts.done;
    case status::failed:
    case status::not_run:
      break;
  }
  return counts.failed;
}

void run_state::move_to(std::uint32_t task, status next) {
  assert(tasks_[task].now < status::done && "an end is final");
  --count_in(counts_, tasks_[task].now);
  tasks_[task].now = next;
  ++count_in(counts_, next);
}

// -- ending -----------------------------------------------------------------------------------

void run_state::close(std::uint32_t task, status end) {
  move_to(task, end);
  jobs_.push({job::task_closed, task});
}

void run_state::succeeded(std::uint32_t task, std::string output, int levels,
                          const task_usage& usage) {
  auto& record = tasks_[task];
  auto& step = steps_[record.step];
  if (step.wanted) {
    step.deepest = step.deepest || levels >= limits::value_depth_max;
    step.output_bytes += output.size();
    kept_bytes_ += output.size();
    record.output = std::move(output);
  }
  record.usage = usage;
  close(task, status::done);
  work_off();
}

void run_state::failed(std::uint32_t task, failure why, const task_usage& usage) {
  remember_first(label_of(task), why.message);
  tasks_[task].usage = usage;
  tasks_[task].why = std::make_unique<failure>(std::move(why));
  close(task, status::failed);
  work_off();
}

void run_state::task_closed(std::uint32_t task) {
  const auto& record = tasks_[task];
  auto& step = steps_[record.step];
  const auto& plan = plan_.steps[record.step];
  bool good = record.now == status::done;
  if (--step.open == 0)
    jobs_.push({job::step_closed, record.step});
  auto why =
      good ? failure{} : because_of(id_of(task), record.now == status::failed, record.why->message);
  for (auto e = plan.edges_begin; e < plan.each_end; ++e) {
    const auto& next = steps_[plan_.edges[e]];
    if (next.is_given_up() || !next.has_tasks())
      continue;
    auto waiting = next.first + record.element;
    if (tasks_[waiting].begun || tasks_[waiting].now != status::waiting)
      continue;
    if (!good)
      give_up_task(waiting, why);
    else if (next.needs == 0)
      make_ready(waiting);
  }
  if (good || (step.now != phase::open && step.now != phase::given_up))
    return;
  step.now = step.now == phase::open ? phase::spoiled : phase::not_run;
  for (auto e = plan.each_end; e < plan.edges_end; ++e)
    give_up_step(plan_.edges[e], why);
}

void run_state::step_closed(std::uint32_t step) {
  auto& record = steps_[step];
  bool is_open = record.now == phase::open || record.now == phase::spoiled;
  if (!is_open || record.open > 0 || record.needs > 0)
    return;
  record.now = record.now == phase::open ? phase::done : phase::failed;
  kept_bytes_ -= record.alike.size();
  record.alike = {};
  if (record.now == phase::failed)
    return;
  const auto& plan = plan_.steps[step];
  for (auto e = plan.each_end; e < plan.edges_end; ++e) {
    auto next = plan_.edges[e];
    --steps_[next].needs;
    if (plan_.steps[next].for_each_task == step && !plan_.steps[next].each)
      jobs_.push({job::unfold, next});
    else if (steps_[next].needs == 0)
      jobs_.push({job::release, next});
  }
}

void run_state::give_up_task(std::uint32_t task, failure why) {
  take_work(limits::given_up_weight);
  tasks_[task].why = std::make_unique<failure>(std::move(why));
  ++not_run_;
  close(task, status::not_run);
}

void run_state::give_up_step(std::uint32_t step, failure why) {
  auto& record = steps_[step];
  if (record.is_given_up() || record.now == phase::done || record.now == phase::failed)
    return; // an end is final; a step over an empty list ends without the step of that list
  take_work(limits::given_up_weight);
  record.now = phase::given_up;
  record.why_not = std::make_unique<failure>(std::move(why));
  jobs_.push({job::step_given_up, step});
}

void run_state::step_given_up(const todo& now) {
  auto step = now.which;
  auto& record = steps_[step];
  if (record.has_tasks()) {
    for (auto i = now.from; i < record.size; ++i) {
      if (!may_do(now, i))
        return;
      if (tasks_[record.first + i].now == status::waiting)
        give_up_task(record.first + i, *record.why_not);
    }
    if (record.size > 0)
      return; // its tasks tell those that need them
  } else {
    --counts_.waiting;
    ++counts_.failed;
    not_run_ += record.why_not->code == ec::task_failed ? 1u : 0u;
  }
  record.now = phase::not_run;
  auto why = because_of(written(step).id(), record.why_not->code != ec::task_failed,
                        record.why_not->message);
  const auto& plan = plan_.steps[step];
  for (auto e = plan.edges_begin; e < plan.edges_end; ++e)
    give_up_step(plan_.edges[e], why);
}

failure run_state::because_of(const std::string& id, bool was_run, const std::string& why) const {
  return {ec::task_failed, "not run: it needs `" + id + "`, which "
                               + (was_run ? "failed: " + why : std::string{"was not run"})};
}

void run_state::remember_first(const std::string& id, const std::string& why) {
  if (first_failed_.empty())
    first_failed_ = "`" + id + "`: " + why;
}

} // namespace troupe
