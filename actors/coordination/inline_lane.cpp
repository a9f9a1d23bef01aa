#include "actors/coordination/inline_lane.hpp"

#include "actors/agents/task_once.hpp"
#include "config/limits/runs.hpp"
#include "messages/value_bytes.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

void inline_lane::begin_step(const step_context& context) {
  tasks_left_ = limits::inline_tasks_per_step_max;
  worked_until_ = context.time();
  step_ends_ = worked_until_ + limits::inline_time_per_step_max;
}

void inline_lane::learn(known_role& of, const std::string& role) const {
  of.known = true;
  auto found = roles_.find(role);
  if (found == roles_.end())
    return;
  const auto& what = *found->second;
  if (!what.cheap || what.durable || !what.info.for_tasks())
    return;
  of.rules = make_at_once(what);
  if (of.rules)
    of.what = &what;
}

bool inline_lane::takes(lane_index lane, const std::string& role, instant now) {
  if (lane >= kinds_.size())
    kinds_.resize(lane + 1);
  auto& of = kinds_[lane];
  if (!of.known)
    learn(of, role);
  return of.what && of.paused_until <= now;
}

inline_lane::done_task inline_lane::work_on(step_context& context, lane_index lane, Task& todo) {
  auto& of = kinds_[lane];
  const auto& what = *of.what;
  auto began = context.time();
  auto answered = answer_task(*of.rules, what.reads_input, todo, reply_);
  worked_until_ = context.time();
  auto took = worked_until_ - began;
  --tasks_left_;
  judge_time(of, took, context.now);
  auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  task_usage usage{{}, usage_in(reply_), static_cast<std::uint64_t>(us), {}};
  if (!answered) {
    of.rules = make_at_once(what); // whatever state the fault left behind
    if (!of.rules)
      of.what = nullptr; // agents do the role's tasks from now on
  }
  auto made = output_of(std::move(answered), reply_);
  if (made && made->output.size() > limits::inline_reply_kept_max)
    reply_ = AgentReply{};
  else
    reply_.Clear();
  count(of, what.info.name(), made.has_value(), took);
  return {std::move(made), usage};
}

result<inline_lane::task_output> inline_lane::output_of(result<void> answered,
                                                        const AgentReply& reply) {
  if (!answered)
    return unexpected{std::move(answered).error()};
  task_output made{result_of(reply), 0};
  auto levels = value_depth(made.output);
  if (!levels)
    return fail(ec::bad_message, "the task's result could not be read");
  made.levels = *levels;
  return made;
}

void inline_lane::count(known_role& of, const std::string& called, bool ok,
                        std::chrono::nanoseconds took) {
  auto& plain = counted_.plain();
  (ok ? plain.tasks_done : plain.tasks_failed).fetch_add(1, std::memory_order_relaxed);
  if (!ok)
    return counted_.task_processed(called, false, "task", took);
  if (!of.succeeded)
    of.succeeded = &counted_.tasks_of(called, true, "task");
  metrics::add(*of.succeeded, took);
}

/// One slow task may be the machine's fault.
void inline_lane::judge_time(known_role& of, std::chrono::nanoseconds took, instant now) {
  if (took <= limits::inline_task_time_max) {
    of.slowness -= std::min(of.slowness, 1u);
    return;
  }
  of.slowness += limits::inline_slow_weight;
  if (of.slowness < limits::inline_slow_max)
    return;
  of.paused_until = now + limits::inline_slow_pause;
  of.slowness -= limits::inline_slow_weight; // after the pause, one more is too much
}

} // namespace troupe
