#pragma once

#include "actors/host/node_host.hpp"
#include "actors/supervision/child_spec.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include <functional>

namespace troupe {

/// Starts the tree below `top` and keeps it running. Event-based. Children are started in order.
/// After a child that is a supervisor, the next one starts when all below the former have started.
/// Then `when_all_stand` is called, on the supervisor's thread. On `stop` it stops its children in
/// reverse order, waits for each at most as long as that child may need (`stop_time_of`), and then
/// ends itself. It ends with an error when its rules say so: monitor it.
caf::actor spawn_supervisor(
    caf::actor_system& system, node_host& host, child_spec top,
    std::function<void()> when_all_stand = [] {});

} // namespace troupe
