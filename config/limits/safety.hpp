#pragma once

#include "config/limits/units.hpp"

/// Checks of what goes to models and comes from them.
namespace troupe::limits {

inline constexpr std::size_t deny_phrases_max = 10'000;
inline constexpr std::size_t deny_phrase_bytes_max = 200;
inline constexpr std::size_t safety_policies_max = 1'000; ///< of roles, and of tenants
/// Held back of a stream, because it may be the beginning of what is searched for.
inline constexpr std::size_t safety_held_bytes_max = 4 * kib;
/// A private key without an end is one up to there.
inline constexpr std::size_t private_key_bytes_max = 16 * kib;
inline constexpr std::size_t safety_findings_max = 10'000; ///< in one text; beyond, it is blocked

} // namespace troupe::limits
