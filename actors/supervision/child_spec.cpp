#include "actors/supervision/child_spec.hpp"

namespace troupe {

std::chrono::nanoseconds stop_time_of(const child_spec& child) {
  if (child.place != service::none)
    return child.stop_within;
  std::chrono::nanoseconds all = limits::supervisor_stop_slack;
  for (const auto& below : child.children)
    all += stop_time_of(below);
  return all;
}

} // namespace troupe
