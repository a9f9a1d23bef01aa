#pragma once

#include "actors/coordination/active_run.hpp"
#include "actors/coordination/attempt_table.hpp"
#include "actors/logic.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

/// What the owner of a run writes into its trace: the span of the run, and those of attempts whose
/// node was lost; the others are written by the nodes that do them (task_span.hpp). There are none
/// if the submission's trace is not sampled; then `active_run::root` is null.
namespace troupe {

/// Begins the span of the run and the context that its tasks get.
void begin_run_span(step_context& context, active_run& run, const trace_context& from);
/// Begins again the span of a run that an earlier life of its owner has begun: the same one.
void restore_run_span(active_run& run, const trace_context& from, span_id span);
/// Ends the span of the run; `why`: null if it succeeded.
void end_run_span(step_context& context, active_run& run, const failure* why);

/// What its queue and its agent need to know of the attempt's place in the trace.
void set_trace(Task& task, const active_run& run, const attempt& a);
/// The attempt has come to nothing, and nobody says so but its owner.
void write_lost_attempt(step_context& context, const placement& nodes, const attempt& a,
                        const failure& why);
/// Another attempt follows after `delay`.
void note_retry(active_run& run, std::uint32_t task, const failure& why,
                std::chrono::milliseconds delay, std::string_view from_node, instant now);

} // namespace troupe
