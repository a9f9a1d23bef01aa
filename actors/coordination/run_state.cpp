#include "actors/coordination/run_state.hpp"

#include "actors/coordination/graph_values.hpp"
#include "config/limits/work.hpp"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"

#include <cassert>

namespace troupe {

result<std::unique_ptr<run_state>> run_state::create(Graph graph, value_map inputs,
                                                     const role_names* known) {
  std::unique_ptr<run_state> made{new run_state{std::move(graph), std::move(inputs)}};
  auto plan = plan_graph(made->graph_, known);
  if (!plan)
    return fail(ec::invalid_argument, to_string(plan.error()));
  if (auto fine = check_inputs(made->graph_, made->inputs_); !fine)
    return unexpected{std::move(fine).error()};
  if (auto fine = check_fields(made->inputs_, "the inputs of the run"); !fine)
    return unexpected{std::move(fine).error()};
  if (auto fine = check_literals(made->graph_); !fine)
    return unexpected{std::move(fine).error()};
  settle_inputs(made->graph_, made->inputs_);
  made->plan_ = *std::move(plan);
  made->begin();
  return made;
}

void run_state::begin() {
  steps_.resize(plan_.steps.size());
  ready_.resize(plan_.roles.size());
  tasks_.reserve(steps_.size());
  counts_.waiting = static_cast<std::uint32_t>(steps_.size());
  for (std::uint32_t step = 0; step < steps_.size(); ++step) {
    steps_[step].needs = plan_.steps[step].needs;
    if (plan_.steps[step].for_each_task == none)
      jobs_.push({job::unfold, step});
  }
  work_off();
}

void run_state::work_off() {
  while (!jobs_.empty()) {
    auto [what, which] = jobs_.pop();
    switch (what) {
      case job::unfold:
        unfold(which);
        break;
      case job::release:
        release(which);
        break;
      case job::task_closed:
        task_closed(which);
        break;
      case job::step_closed:
        step_closed(which);
        break;
      case job::step_dead:
        step_dead(which);
        break;
    }
  }
}

// -- beginning --------------------------------------------------------------------------------

/// How many tasks the step becomes; sets its list.
result<std::uint32_t> run_state::find_list(std::uint32_t step) {
  const auto& plan = plan_.steps[step];
  if (!written(step).has_for_each())
    return 1u;
  if (plan.each)
    return steps_[plan.for_each_task].size;
  const auto& from = written(step).for_each();
  auto list = std::make_unique<Value>();
  if (auto copied = copy_source(from, nullptr, *list); !copied)
    return fail(ec::invalid_argument, "for_each: " + copied.error().message);
  if (list->kind_case() == Value::KIND_NOT_SET) // an input that need not be given
    return 0u;
  if (list->kind_case() != Value::kList)
    return fail(ec::invalid_argument,
                "for_each wants a list, found " + std::string{kind_name(*list)});
  steps_[step].list = std::move(list);
  return static_cast<std::uint32_t>(steps_[step].list->list().items_size());
}

void run_state::unfold(std::uint32_t step) {
  auto& record = steps_[step];
  if (record.dead || record.unfolded)
    return;
  auto size = find_list(step);
  if (size && tasks_.size() + *size > limits::run_tasks_max)
    size = fail(ec::too_large, "for_each over " + std::to_string(*size)
                                   + " elements: a run has at most "
                                   + std::to_string(limits::run_tasks_max) + " tasks");
  if (!size) {
    remember_first(written(step).id(), size.error().message);
    return give_up_step(step, std::move(size).error());
  }
  record.unfolded = true;
  record.first = static_cast<std::uint32_t>(tasks_.size());
  record.size = record.open = *size;
  counts_.waiting += *size;
  counts_.waiting -= 1; // the step itself was counted until now
  for (std::uint32_t i = 0; i < *size; ++i) {
    auto& task = tasks_.emplace_back();
    task.step = step;
    task.element = written(step).has_for_each() ? i : none;
  }
  const auto& plan = plan_.steps[step];
  for (auto e = plan.edges_begin; e < plan.each_end; ++e)
    jobs_.push({job::unfold, plan_.edges[e]});
  if (record.needs == 0)
    jobs_.push({job::release, step});
}

void run_state::release(std::uint32_t step) {
  const auto& record = steps_[step];
  const auto& plan = plan_.steps[step];
  if (record.dead || !record.unfolded)
    return;
  for (std::uint32_t i = 0; i < record.size; ++i) {
    auto task = record.first + i;
    if (tasks_[task].now != status::waiting)
      continue;
    if (!plan.each || tasks_[steps_[plan.for_each_task].first + i].now == status::done)
      make_ready(task);
  }
  if (record.open == 0)
    jobs_.push({job::step_closed, step});
}

void run_state::make_ready(std::uint32_t task) {
  move_to(task, status::ready);
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

std::uint32_t& run_state::counter(status s) {
  switch (s) {
    case status::waiting:
    case status::ready:
      return counts_.waiting;
    case status::queued:
      return counts_.queued;
    case status::running:
      return counts_.running;
    case status::done:
      return counts_.done;
    case status::failed:
    case status::not_run:
      break;
  }
  return counts_.failed;
}

void run_state::move_to(std::uint32_t task, status next) {
  assert(tasks_[task].now < status::done && "an end is final");
  --counter(tasks_[task].now);
  tasks_[task].now = next;
  ++counter(next);
}

// -- ending -----------------------------------------------------------------------------------

void run_state::close(std::uint32_t task, status end) {
  move_to(task, end);
  jobs_.push({job::task_closed, task});
}

void run_state::succeeded(std::uint32_t task, Value output, const task_usage& usage) {
  if (is_deepest(output))
    steps_[tasks_[task].step].deepest = true;
  tasks_[task].output = std::move(output);
  tasks_[task].usage = usage;
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
    if (next.dead || !next.unfolded)
      continue;
    auto waiting = next.first + record.element;
    if (tasks_[waiting].now != status::waiting)
      continue;
    if (!good)
      give_up_task(waiting, why);
    else if (next.needs == 0)
      make_ready(waiting);
  }
  if (!good && !std::exchange(step.spoiled, true))
    for (auto e = plan.each_end; e < plan.edges_end; ++e)
      give_up_step(plan_.edges[e], why);
}

void run_state::step_closed(std::uint32_t step) {
  auto& record = steps_[step];
  if (record.complete || !record.unfolded || record.open > 0 || record.needs > 0)
    return;
  record.complete = true;
  record.alike = {};
  if (record.spoiled)
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
  tasks_[task].why = std::make_unique<failure>(std::move(why));
  ++not_run_;
  close(task, status::not_run);
}

void run_state::give_up_step(std::uint32_t step, failure why) {
  auto& record = steps_[step];
  if (record.dead)
    return;
  record.dead = std::make_unique<failure>(std::move(why));
  jobs_.push({job::step_dead, step});
}

void run_state::step_dead(std::uint32_t step) {
  auto& record = steps_[step];
  if (record.unfolded) {
    for (std::uint32_t i = 0; i < record.size; ++i)
      if (tasks_[record.first + i].now == status::waiting)
        give_up_task(record.first + i, *record.dead);
    if (record.size > 0)
      return; // its tasks tell those that need them
  } else {
    --counts_.waiting;
    ++counts_.failed;
    not_run_ += record.dead->code == ec::task_failed ? 1u : 0u;
  }
  record.spoiled = record.complete = true;
  auto why =
      because_of(written(step).id(), record.dead->code != ec::task_failed, record.dead->message);
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
