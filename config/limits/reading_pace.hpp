#pragma once

#include "config/limits/units.hpp"

#include <cstdint>

/// The pieces of one streamed answer that were sent and are not taken yet by their reader.
namespace troupe::limits {

inline constexpr std::uint64_t stream_pieces_max = 1'000;  ///< at this, or
inline constexpr std::uint64_t stream_bytes_max = 1 * mib; ///< at this, no more is sent
/// It goes on when no more than this part of both is left.
inline constexpr std::uint64_t stream_opens_part = 2;
/// A reader tells each time that it has taken this part of either. Two readers behind each other
/// keep back less than twice this part, which must not hold up a stream.
inline constexpr std::uint64_t stream_tells_part = 4;
static_assert(2 * stream_opens_part <= stream_tells_part);
/// A reader that takes nothing is asked how far it is, in case its last word was lost.
inline constexpr auto stream_asks_every = 1s;
/// Any other is asked, too, in case it was killed: what it is told costs money.
inline constexpr auto stream_looks_every = 2s;
/// A client that lost its link may come back for so long (`reconnect_time_max`). Then it has gone.
inline constexpr auto stream_reader_gone_max = 10s;

} // namespace troupe::limits
