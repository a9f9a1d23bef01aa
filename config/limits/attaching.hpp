#pragma once

#include "config/limits/units.hpp"

/// Clients that follow durable runs, which outlive them (nodes/cli/run_pursuit.hpp).
namespace troupe::limits {

/// After such a silence the client asks the run's owner for it, again and again while the owner is
/// away, at first and at most so far apart.
inline constexpr auto run_attach_silence = 5s;
inline constexpr auto run_attach_pause_min = 100ms;
inline constexpr auto run_attach_pause_max = 2s;
inline constexpr auto run_attach_answer_max = 5s;     ///< then one question counts as unanswered
inline constexpr auto run_attach_time_max = 30s;      ///< then the client leaves the run
inline constexpr std::size_t run_key_bytes_max = 256; ///< of an idempotency key

} // namespace troupe::limits
