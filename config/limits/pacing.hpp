#pragma once

#include "config/limits/units.hpp"

/// What is done about the limits of providers themselves (actors/llm/pacing).
namespace troupe::limits {

inline constexpr auto pace_pause = 1s; ///< after a 429 that says no time; then doubled
inline constexpr auto pace_pause_max = 60s;
inline constexpr auto pace_window = 60s; ///< of a provider's limits, unless it says otherwise
/// A provider whose turn comes later than that is passed over by a route.
inline constexpr auto pace_pass_over = 1s;
inline constexpr auto retry_after_max = 1h; ///< that a provider or a key is left alone for

} // namespace troupe::limits
