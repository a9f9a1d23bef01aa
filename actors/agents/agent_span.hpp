#pragma once

#include "actors/logic.hpp"
#include "messages/cluster.pb.h"

#include <optional>

namespace troupe {

/// The span `invoke_agent ROLE` of an agent and one message, with what is known at its start.
/// Nothing if the message's trace is not sampled.
std::optional<SpanData> begin_agent_span(step_context& context, const RoleInfo& info,
                                         const address& self, const envelope& request);

} // namespace troupe
