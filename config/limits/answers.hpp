#pragma once

#include <cstddef>

/// The answers of models, as agents and runs tell of them.
namespace troupe::limits {

inline constexpr std::size_t reply_notes_max = 16; ///< of one reply; further ones are not told

} // namespace troupe::limits
