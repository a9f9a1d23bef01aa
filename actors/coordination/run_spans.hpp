#pragma once

#include "actors/coordination/active_run.hpp"
#include "actors/coordination/attempt_table.hpp"
#include "actors/logic.hpp"

#include <cstdint>

/// The spans of runs: one for each run, and below it one for each attempt of a task. There are none
/// if the submission's trace is not sampled; then `active_run::root` is null.
namespace troupe {

/// Begins the span of the run and the context that its tasks get.
void begin_run_span(step_context& context, active_run& run, const trace_context& from);
/// Ends the span of the run; `why`: null if it succeeded.
void end_run_span(step_context& context, active_run& run, const failure* why);
/// Emits the span of an attempt that has ended; `why`: null if it succeeded.
void end_attempt_span(step_context& context, const placement& nodes, const attempt& a,
                      const failure* why, std::uint64_t queue_wait_us = 0);

} // namespace troupe
