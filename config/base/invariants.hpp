#pragma once

#include <cassert>

namespace troupe {

/// True in builds with sanitizers (TROUPE_SANITIZE): those may take their time.
#ifdef TROUPE_CHECKED
inline constexpr bool checked_build = true;
#else
inline constexpr bool checked_build = false;
#endif

/// Classes that are state machines say in `invariants()` which of their states are possible. Unit
/// tests ask after each step; a checked build asks here, at the end of each call that may have
/// changed the state. A false answer is our own mistake: the process ends.
template <class Machine>
void check_invariants([[maybe_unused]] const Machine& machine) {
  if constexpr (checked_build)
    assert(machine.invariants());
}

} // namespace troupe
