#pragma once

#include "actors/logic.hpp"
#include "actors/supervision/supervisor_logic.hpp"
#include "config/limits/supervision.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// A place in a node's tree: a service (its logic made anew at each start) or a supervisor with
/// children of its own. In a node actors/supervision/supervisor_actor.hpp runs it; the simulator
/// hosts the same tree.
struct child_spec {
  std::string label;
  service place = service::none; ///< none: a supervisor
  bool own_thread = false;       ///< a thread of its own, for what blocks or computes for long
  std::function<std::unique_ptr<logic>()> make;
  std::vector<child_spec> children;
  supervisor_logic::options rules{limits::restart_intensity, limits::restart_period};
};

} // namespace troupe
