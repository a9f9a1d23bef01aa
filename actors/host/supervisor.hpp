#pragma once

#include "actors/host/node_host.hpp"
#include "actors/supervision/child_spec.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include <functional>

namespace troupe {

/// Starts the tree below `top` and keeps it running. Event-based. Children are started in order:
/// one that is a supervisor is followed by the next when all below it stand. Then `when_all_stand`
/// is called, on the supervisor's thread. It takes `stop`: children are stopped in reverse order,
/// each waited for at most as long as it may need (`stop_time_of`), then it ends itself. It ends
/// with an error when its rules say so: monitor it.
caf::actor spawn_supervisor(
    caf::actor_system& system, node_host& host, child_spec top,
    std::function<void()> when_all_stand = [] {});

} // namespace troupe
