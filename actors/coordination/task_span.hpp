#pragma once

#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "messages/runs.pb.h"
#include "messages/spans.pb.h"

#include <memory>
#include <string_view>

/// The span of an attempt at a task, `task read`: from when the task was ready until the attempt
/// ended. The node that was to do it writes it, under the id that the owner gave: so it is there,
/// and has its children, also when the owner dies. If the node dies, the owner writes what it
/// knows of the attempt under an id of its own: if both write, because they only lost sight of
/// each other, no id is there twice.
namespace troupe {

/// What both know of it. Null if the run's trace is not sampled. `remote`: the run is another
/// node's.
std::unique_ptr<SpanData> begin_task_span(const Task& task, std::string_view node, bool remote);

/// The work begins.
void task_started(SpanData& span, instant now);
/// The work begins, after it was in the queue of this node since `queued`.
void task_started(SpanData& span, instant queued, instant now);

/// How the attempt ended; `why.code` is `none` if it succeeded. That a run was cancelled is no
/// error of its tasks: they are marked by `troupe.task.outcome` alone.
void set_task_outcome(SpanData& span, const failure& why);
/// Nobody heard of its end: its node, or the owner of its run, was lost.
void set_task_lost(SpanData& span, const failure& why);

/// "read" of "read[3]".
std::string_view step_of_task(std::string_view id);

} // namespace troupe
