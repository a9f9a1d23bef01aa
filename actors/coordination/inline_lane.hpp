#pragma once

#include "actors/agents/role.hpp"
#include "actors/coordination/active_run.hpp"
#include "actors/coordination/placement.hpp"
#include "actors/logic.hpp"
#include "messages/agents.pb.h"
#include "messages/runs.pb.h"
#include "telemetry/metrics.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Tasks that the owner of a run does itself, in the step in which they become ready. A task of a
/// cheap role takes less than a microsecond; its way through queue and slot takes ten messages.
///
/// A role is done here if it is cheap, its mind answers at once (mind.hpp), and this node hosts it.
/// A mind that throws fails its task alone, which is then tried again in the ordinary way, by an
/// agent. A role whose minds cannot be made is left to agents for good. All else is as it is there:
/// the reply is checked, and the task is counted.
///
/// A step does at most `limits::inline_tasks_per_step_max` tasks, or works on them for
/// `limits::inline_time_per_step_max`: then other messages get in. The time is measured by the
/// clock, but only where a task is done depends on it, not what comes of it. So nothing ends a task
/// whose time is over: no step can be broken off, neither this one nor an agent's. A role whose
/// tasks turn out slow is done by agents for a while (`limits::inline_slow_pause`).
///
/// The tasks of a run whose trace is sampled go to agents: its trace shows their ordinary way.
class inline_lane {
public:
  using lane_index = placement::lane_index;

  /// Both outlive it.
  inline_lane(const role_table& roles, metrics& counted) : roles_(roles), counted_(counted) {}

  /// What one step may do.
  void begin_step(const step_context& context);
  /// Whether this step may do no more.
  bool spent() const noexcept { return tasks_left_ == 0 || worked_until_ >= step_ends_; }
  /// Whether tasks of the lane are done here now, while the step is not spent.
  bool takes(lane_index lane, const std::string& role, instant now);

  struct task_output {
    std::string output; ///< the bytes of a value
    int levels = 0;     ///< how deep it goes
  };
  struct done_task {
    result<task_output> made;
    task_usage usage; ///< without its node
  };
  /// Does one task. Its failure is final if another attempt would be the same.
  done_task work_on(step_context& context, lane_index lane, Task& todo);

private:
  struct known_role {
    bool known = false;
    const role* what = nullptr;  ///< null: its tasks are not done here
    std::unique_ptr<mind> rules; ///< of the next task
    metrics::task_series* succeeded = nullptr;
    unsigned slowness = 0; ///< grows with each slow task, shrinks with each other
    instant paused_until{};
  };

  void learn(known_role& of, const std::string& role) const;
  static result<task_output> output_of(result<void> answered, const AgentReply& reply);
  void count(known_role& of, const std::string& called, bool ok, std::chrono::nanoseconds took);
  void judge_time(known_role& of, std::chrono::nanoseconds took, instant now);

  const role_table& roles_;
  metrics& counted_;
  std::vector<known_role> kinds_; ///< by lane
  std::size_t tasks_left_ = 0;
  instant worked_until_{}; ///< when the last task ended, or else the step's tasks began
  instant step_ends_{};
  AgentReply reply_; ///< empty between tasks; it keeps its memory unless that is much
};

} // namespace troupe
