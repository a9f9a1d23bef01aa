#pragma once

#include "config/limits/units.hpp"

/// Messages that wait for a logic, from when the post takes them until the logic steps.
namespace troupe::limits {

inline constexpr std::size_t mailbox_messages_max = 10'000; ///< then `overloaded`
inline constexpr std::size_t mailbox_bytes_max = 64 * mib;  ///< the same
/// Beyond those, for what nobody would send again: replies, and events to services.
inline constexpr std::size_t mailbox_reserve_messages = 100'000;
inline constexpr std::size_t mailbox_reserve_bytes = 64 * mib;
inline constexpr std::size_t message_overhead_bytes = 512; ///< charged beside its payload

inline constexpr std::uint64_t node_queued_bytes_max =
    256 * mib; ///< in all mailboxes of a node: its links read no more
inline constexpr std::uint64_t node_queued_bytes_resume = 192 * mib; ///< and go on

/// An actor that has worked on so many messages, or for so long, lets others run.
inline constexpr std::uint32_t burst_messages_max = 64;
inline constexpr auto burst_time_max = 50us;

/// Blocks of memory for messages that each thread keeps: as many as a burst needs.
inline constexpr std::size_t blocks_kept_max = burst_messages_max;

/// How often one message is given to the service that starts agents; then `unavailable`. It is more
/// than once only if the agent ends at that very moment.
inline constexpr std::uint8_t activations_max = 8;

} // namespace troupe::limits
