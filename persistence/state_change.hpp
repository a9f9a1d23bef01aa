#pragma once

#include "messages/agents.pb.h"

namespace troupe {

/// Makes of `to` what a message made of it. False: the change is not one of this snapshot, which is
/// then as before.
bool apply(const StateChange& change, Snapshot& to);

} // namespace troupe
