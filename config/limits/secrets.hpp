#pragma once

#include "config/limits/units.hpp"

/// Keys of models' providers: where they are read, and where they are hidden.
namespace troupe::limits {

inline constexpr std::size_t key_bytes_max = 16 * 1024;
/// A shorter one is cut out of no text: `x` or `EMPTY`, which local servers are given, are words.
inline constexpr std::size_t hidden_key_bytes_min = 8;
/// A file with a key is looked at no more often, as long as the key can be used.
inline constexpr auto key_look_interval = 1s;
inline constexpr auto key_retry_interval = 10ms; ///< the same when there is no key to use
/// A call waits so long for the file with its key.
inline constexpr auto key_read_timeout = 5s;

} // namespace troupe::limits
