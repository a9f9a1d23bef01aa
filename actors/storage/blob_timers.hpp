#pragma once

#include <cstdint>

namespace troupe {

// The timers of service::blobs.
inline constexpr std::uint32_t sweep_timer = 1;
inline constexpr std::uint32_t go_on_timer = 2;
inline constexpr std::uint32_t first_fetch_timer = 3; ///< and above: one a fetch

} // namespace troupe
