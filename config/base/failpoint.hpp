#pragma once

#include <string_view>

namespace troupe {

/// For tests of what survives: `TROUPE_TEST_FAILPOINT=WHERE:WHAT:HIT` kills the process (SIGKILL,
/// without a last word) when it comes to that place for that time. In every build, because what is
/// tested is what is shipped: a place looks at this flag first, and costs nothing else.
extern const bool failpoint_is_set;

/// Does not return from the hit that was asked for.
void reach_failpoint(std::string_view where, std::string_view what);

} // namespace troupe
