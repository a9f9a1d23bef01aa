#pragma once

#include <string_view>

namespace troupe {

/// For tests of what survives: `TROUPE_TEST_FAILPOINT=WHERE:WHAT:HIT` kills the process (SIGKILL,
/// without a last word) when it comes to that place for that time. In every build, because what is
/// tested is what is shipped; unless it is set, a place costs one look at a flag.
extern const bool failpoint_is_set;

/// Does not return from the hit that was asked for.
void reach_failpoint(std::string_view where, std::string_view what);

inline void failpoint(std::string_view where, std::string_view what) {
  if (failpoint_is_set) [[unlikely]]
    reach_failpoint(where, what);
}

} // namespace troupe
