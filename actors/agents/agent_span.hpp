#pragma once

#include "actors/logic.hpp"
#include "messages/cluster.pb.h"

#include <optional>

namespace troupe {

/// The span `invoke_agent ROLE` of an agent and one message, with what is known when it arrives.
/// Nothing if the message's trace is not sampled. A role that nobody knows has no name here: its
/// text is whatever a user wrote.
std::optional<SpanData> begin_agent_span(step_context& context, const RoleInfo& info,
                                         const address& self, const envelope& request,
                                         instant arrived);

/// If there is one, it ends now, with an error if `why` has one. `span` is empty afterwards.
void end_span(step_context& context, std::optional<SpanData>& span, const failure& why = {});

/// The agent begins with the message; before, the message waited.
void note_started(SpanData& agent, instant at);

} // namespace troupe
