#pragma once

#include "messages/envelope.hpp"

namespace troupe {

/// Decides at a node's door which traces are recorded. A trace that comes with a decision keeps it
/// (parent-based). Of the others, a share of `ratio` is recorded, by their ids alone: all nodes
/// with the same ratio decide alike, and nothing is remembered.
class trace_sampler {
public:
  /// From 0, none, to 1, all.
  explicit trace_sampler(double ratio = 1.0);

  void decide(trace_context& trace) const noexcept;

private:
  std::uint64_t below_; ///< of the 56 random bits of a trace id
};

} // namespace troupe
