#pragma once

#include "actors/logic.hpp"
#include "actors/supervision/supervisor_logic.hpp"
#include "config/limits/supervision.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// A place in a node's tree: a service (its logic is made anew at each start) or a supervisor with
/// children of its own. In a node, actors/host/supervisor.hpp runs it; the simulator hosts the same
/// tree.
struct child_spec {
  std::string label;
  service place = service::none; ///< none: a supervisor
  bool own_thread = false;       ///< a thread of its own, for what blocks or computes for long
  std::function<std::unique_ptr<logic>()> make;
  std::vector<child_spec> children;
  supervisor_logic::options rules{limits::restart_intensity, limits::restart_period};
  /// A service that was told to stop gets that long; then it is killed.
  std::chrono::nanoseconds stop_within = limits::stop_timeout;
};

/// How long the child there may take to stop. A supervisor stops its children one after the other,
/// so it needs the sum of their times: if it were killed earlier, it would leave them without
/// order. (Erlang/OTP, "supervisor": a child that is a supervisor is given infinity; here the time
/// is as finite as its tree.)
std::chrono::nanoseconds stop_time_of(const child_spec& child);

} // namespace troupe
