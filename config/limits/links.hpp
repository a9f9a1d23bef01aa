#pragma once

#include "config/limits/units.hpp"

/// Links between nodes and from clients.
namespace troupe::limits {

inline constexpr std::size_t frame_body_bytes_max = 256 * kib; ///< longer: the connection is closed
inline constexpr std::size_t frame_body_bytes_aim = 64 * kib;  ///< a gathering frame is sealed here
inline constexpr std::size_t payload_bytes_max = 48 * mib;     ///< of one message, in chunks
/// For the content of one message: the rest is for what surrounds it.
inline constexpr std::size_t content_bytes_max = payload_bytes_max - 1 * mib;
inline constexpr std::size_t link_bytes_max = 64 * mib; ///< waiting in one link, then `overloaded`
/// Beyond that, for what nobody would send again: replies, and events to services and clients. A
/// link this full is closed: its peer does not take what it asked for.
inline constexpr std::size_t link_reserve_bytes = payload_bytes_max;
inline constexpr std::size_t link_assembling_bytes_max =
    link_bytes_max + link_reserve_bytes; ///< chunks not yet complete
inline constexpr std::size_t link_routes_max = 65'536;
inline constexpr std::size_t link_streams_max = 2'048; ///< payloads that come in chunks at once
/// Incomplete chunks of all links together: of clients, and of members. Clients cannot take what
/// members need. Each has room for one link that is as full as allowed.
inline constexpr std::size_t client_chunks_bytes_max = 2 * payload_bytes_max;
inline constexpr std::size_t member_chunks_bytes_max = link_assembling_bytes_max;
inline constexpr std::size_t trimmed_bytes_min = 8 * mib; ///< freed at once: the heap is trimmed
inline constexpr std::size_t link_unanswered_max =
    10'000; ///< requests of clients that a link relays
inline constexpr std::size_t link_unsent_bytes_aim = 512 * kib; ///< handed to the socket at once
inline constexpr auto link_tick = 250ms;
inline constexpr auto link_tick_late_max = 2 * link_tick; ///< later: this process did not run
inline constexpr std::size_t hello_bytes_max =
    64 * kib; ///< all that an unproven connection may send
inline constexpr std::size_t handshake_bytes_spare = 1 * kib; ///< of those, beside the Hello itself
inline constexpr std::size_t bye_text_bytes_max = 4 * kib;
inline constexpr std::size_t link_read_bytes = 256 * kib; ///< of a proven connection at once
inline constexpr std::size_t unproven_read_bytes = 4 * kib;
inline constexpr auto hello_deadline = 5s;
/// At one door; beyond this, those that have done least must leave, the oldest first.
inline constexpr std::size_t unproven_connections_max = 128;
/// Including those that were asked to leave and are still there: at this number the door waits.
inline constexpr std::size_t unproven_leaving_factor = 2;
/// Accepted and not yet registered, as a part of those that may stay: then the door waits.
inline constexpr std::size_t unproven_coming_part = 4;
inline constexpr auto newcomer_grace = 100ms; ///< a newcomer may be silent
/// Connections that wait in the kernel, so that a client behind a burst of strangers need not knock
/// again, which takes a second.
inline constexpr int listen_backlog = 4'096;
/// File descriptors: fewer than this are not enough to start, this many are kept for files and
/// members, and each door may fill its share of the rest with strangers.
inline constexpr std::size_t descriptors_min = 192;
inline constexpr std::size_t descriptors_reserved = 128;
inline constexpr std::size_t door_descriptors_part = 8;
inline constexpr auto ping_after_silence = 500ms;
inline constexpr auto suspect_after_silence = 2s;
inline constexpr auto down_after_silence = 5s;
inline constexpr auto client_silence_max = 30s;
inline constexpr std::size_t member_roles_bytes_aim = 32 * kib; ///< of a piece of a member's list
inline constexpr std::size_t member_roles_max = 100'000;        ///< that a member may have
inline constexpr auto late_answer_max =
    100ms; ///< a client waits so much longer than a request has time
inline constexpr auto take_back_max =
    1s; ///< a client that was interrupted waits for the end of what it asked
inline constexpr auto client_return_max = 5s;   ///< a run outlives its client's link this long
inline constexpr auto run_silence_max = 30s;    ///< of a run; then its client asks for it
inline constexpr auto reconnect_time_max = 10s; ///< a client tries to come back, after each loss
inline constexpr std::uint32_t reconnects_max = 16; ///< of one client
inline constexpr auto reconnect_pause_min = 20ms;
inline constexpr auto reconnect_pause_max = 500ms;
inline constexpr auto dial_timeout = 1s;
inline constexpr auto dial_backoff_min = 10ms;
inline constexpr auto dial_backoff_max = 2s;

} // namespace troupe::limits
