#pragma once

#include <cstdint>

namespace troupe::bench {

/// Counts what the program takes by `operator new`, on all threads. A program that links
/// allocations.cpp has its operators replaced. The libraries' own use of `malloc` is not seen.
struct allocations {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
};

/// All since the program began.
allocations allocated();

} // namespace troupe::bench
