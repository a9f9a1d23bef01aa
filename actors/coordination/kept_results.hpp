#pragma once

#include "actors/coordination/run_table.hpp"
#include "config/base/result.hpp"
#include "config/limits/runs.hpp"
#include "messages/runs.pb.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

namespace troupe {

/// How much the runs of one owner keep of their tasks' results and steps, and its bounds: a run
/// that keeps too much ends with `too_large`; when all runs together keep too much, the one that
/// keeps most does. A step that would be too much is refused first. Runs that were told are
/// forgotten here in parts, because freeing a wide run takes longer than a step may.
class kept_results {
public:
  struct bounds {
    std::size_t of_run = limits::run_results_bytes_max;
    std::size_t of_all = limits::results_bytes_max;
  };
  /// `runs` outlives it. `give_back_memory` may be empty; it is called when much was freed.
  kept_results(const bounds& most, run_table& runs, std::function<void()> give_back_memory)
      : most_(most), runs_(runs), give_back_memory_(std::move(give_back_memory)) {}

  /// The run may keep more, because of `task`. Ends a run if that is too much.
  void watch(active_run& run, std::uint32_t task);
  /// Why the owner does not keep these steps of the task. `too_large`: the task has too many, and
  /// would have in another attempt; `overloaded`: all tasks together have.
  result<void> check_steps(const active_run& run, std::uint32_t task, const StepsMade& made) const;

  /// Takes the state of a run that was told; its bytes count until it is forgotten.
  void forget(std::unique_ptr<active_run> told);
  /// Frees as much as one step may. True: more is left.
  bool forget_some();

  std::size_t bytes() const noexcept { return bytes_; } ///< of all runs

private:
  struct told_run {
    std::unique_ptr<run_state> state;
    std::size_t bytes = 0;
  };

  bounds most_;
  run_table& runs_;
  std::function<void()> give_back_memory_;
  std::deque<told_run> told_;
  std::size_t bytes_ = 0;
  std::size_t given_back_ = 0; ///< bytes freed since memory was given back
};

} // namespace troupe
