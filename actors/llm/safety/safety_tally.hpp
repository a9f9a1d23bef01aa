#pragma once

#include "actors/llm/safety/safety_scan.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace troupe {

/// Where a text was found.
enum class safety_way : std::uint8_t {
  asked,    ///< what people and roles say to a model
  data,     ///< results of tools and passages of documents, on their way to a model
  answered, ///< what a model says
};
inline constexpr std::size_t safety_ways = 3;

/// What is done in the calls of a role and a tenant, each way.
struct call_rules {
  std::array<safety_rules, safety_ways> ways;

  const safety_rules& of(safety_way way) const { return ways[static_cast<std::size_t>(way)]; }
  bool are_off() const { return ways[0].is_off() && ways[1].is_off() && ways[2].is_off(); }
};

/// What was found in a call, each way.
struct safety_tally {
  std::array<safety_counts, safety_ways> found{};

  void add(safety_way way, const safety_counts& more);
  bool empty() const;
  /// "asked secret mask 2, answered email flag 1": for the trace.
  std::string text(const call_rules& rules) const;
};

} // namespace troupe
