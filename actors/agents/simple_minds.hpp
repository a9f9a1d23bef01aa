#pragma once

#include "actors/agents/mind.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// Repeats what it is told. For tests and measurements.
class echo_mind {
public:
  struct state {};
  std::pair<state, commands> decide(state&& now, mind_event happened) const;
  static std::string save(const state&) { return {}; }
  static bool load(state&, std::string_view bytes) { return bytes.empty(); }
};

/// Finishes its task at once, without output. For measuring what a task costs.
class noop_mind {
public:
  struct state {};
  std::pair<state, commands> decide(state&& now, const mind_event& happened) const;
  static std::string save(const state&) { return {}; }
  static bool load(state&, std::string_view bytes) { return bytes.empty(); }
};

} // namespace troupe
