#pragma once

#include "actors/node_host_actor.hpp"
#include "actors/supervision/tree.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

namespace troupe {

/// Starts the tree below `top` and keeps it running. Event-based. It takes `stop`: children are
/// stopped in reverse order, each waited for at most as long as it may need (`stop_time_of`), then
/// it ends itself. It ends with an error when its rules say so: monitor it.
caf::actor spawn_supervisor(caf::actor_system& system, node_host& host, child_spec top);

} // namespace troupe
