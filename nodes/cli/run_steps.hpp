#pragma once

#include "messages/runs.pb.h"
#include "nodes/cli/output.hpp"

#include <string>

/// The steps of a run's tasks, as `troupe runs show --steps` shows them.
namespace troupe::cli {

using shown_steps = google::protobuf::RepeatedPtrField<StepShown>;

/// A line for each step.
std::string steps_text(const shown_steps& steps, bool colours);

/// Adds "steps" to each task of `shown` (shown_json), and the tasks that are not listed there: an
/// answer lists a bounded number of them.
void add_steps(json& shown, const shown_steps& steps);

} // namespace troupe::cli
