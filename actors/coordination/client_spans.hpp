#pragma once

#include "actors/logic.hpp"
#include "messages/spans.pb.h"

namespace troupe {

/// The spans of a client become spans of this node: kept and, unless the client has sent them to a
/// collector itself, exported. At most `spans_made_max` spans of `spans_made_bytes_max` together
/// are taken from one message; they belong to the service `troupe-cli`, whatever the client says.
void take_client_spans(step_context& context, SpansMade& made);

} // namespace troupe
