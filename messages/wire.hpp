#pragma once

#include "messages/byte_slice.hpp"
#include "messages/envelope.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

// clang-format off
/// How messages are laid out in frames of kind `envelopes` and `chunk`. All integers are
/// little-endian.
///
///     frame of kind envelopes = record*
///     record   = route | envelope | reset
///     route    = u8 1, u32 number, u8 address kind, u8 service, u64 node hi, u64 node lo,
///                u64 session, u16 name length, name
///     envelope = u8 0, u8 message kind, u8 fields, u8 trace flags, u16 attempt,
///                u16 payload kind, u32 payload length, u32 target, u32 sender,
///                u64 session, u64 sequence,
///                [fields & 1]  u64 trace hi, u64 trace lo, u64 span
///                [fields & 2]  u32 tenant
///                [fields & 4]  u32 milliseconds left
///                [fields & 8]  u32 stream
///                [fields & 16] u32 milliseconds since its first attempt
///                payload, but not if fields & 8
///                (the upper half of the message kind is zero; a reader leaves it out)
///     reset    = u8 2
///     target, sender, tenant = the number of a route; 0: none
///
///     frame of kind chunk = u32 stream, u32 length of the whole payload, bytes
///
/// Three records in a row on a link that was just opened. The test
/// `wire.records_are_written_as_they_are_drawn` compares them with the bytes that are written.
///
///     A, a route: number 1 is the agent echo/1, wherever its home is (39 bytes)
///
///         01 | 01 00 00 00 | 02 | 00 | 00 00 00 00 00 00 00 00 | 00 00 00 00 00 00 00 00
///         ty   number        ki   sv   node hi                   node lo
///         00 00 00 00 00 00 00 00 | 06 00 | 65 63 68 6f 2f 31
///         session                   length   e  c  h  o  /  1
///
///     B, an envelope: request 9 of session 7 to number 1, an Echo, with 1,234 ms left (44 bytes)
///
///         00 | 01 | 04 | 00 | 01 00 | 03 00 | 04 00 00 00 | 01 00 00 00 | 00 00 00 00
///         ty   ki   fi   tf   att.    Echo    4 bytes       target        no sender
///         07 00 00 00 00 00 00 00 | 09 00 00 00 00 00 00 00 | d2 04 00 00 | 0a 02 68 69
///         session                   sequence                  1,234 ms      payload
///
///     C, a reset: number 1 no longer means anything (1 byte)
///
///         02
///
/// Why so:
///
///  - A name is sent once per link and then referred to by its number: most messages have one of a
///    few targets. The table is bounded; the end that numbers starts again with a reset.
///  - An envelope can be routed without parsing its payload. The receiver parses it, once.
///  - A payload of `stream_payload_bytes` or more comes ahead of its envelope in chunks, so that no
///    frame is long and other frames pass between them. Later, smaller messages may overtake such a
///    message. Each chunk gives the length of the whole, so the receiver writes it once, to its
///    final place.
///  - Records have no length of their own: an unknown type ends the link. Whatever a later version
///    adds needs a bit in Hello.features.
// clang-format on
namespace troupe {

using route_id = std::uint32_t; ///< from 1 per link and direction; 0: none

inline constexpr std::size_t stream_payload_bytes = 64 * 1024;

/// The routes of an envelope, as its sender's link numbers them.
struct wire_routes {
  route_id target = 0;
  route_id sender = 0;
  route_id tenant = 0;
};

/// Appends the record. If `stream` is not zero, the payload was sent ahead under that number.
void append_envelope(std::vector<char>& out, const envelope& message, const wire_routes& routes,
                     std::string_view payload_bytes, std::uint32_t stream = 0);

void append_route(std::vector<char>& out, route_id id, const address& a);
void append_reset(std::vector<char>& out);

/// Appends the head of a chunk's body; its bytes follow.
inline constexpr std::size_t chunk_head_bytes = 8;
void append_chunk_head(std::vector<char>& out, std::uint32_t stream, std::size_t total);

struct wire_chunk {
  std::uint32_t stream = 0;
  std::size_t total = 0; ///< of the whole payload
  std::string_view bytes;
};
result<wire_chunk> read_chunk(std::string_view body);

/// One record as read. For an envelope, `message` lacks target, sender and tenant: they are
/// `routes`.
struct wire_record {
  enum class type : std::uint8_t { envelope = 0, route = 1, reset = 2 };
  type what = type::envelope;
  envelope message;
  wire_routes routes;
  std::uint32_t stream = 0; ///< not zero: the payload is that stream's, of `payload_bytes`
  std::uint32_t payload_bytes = 0;
  route_id announced = 0;
  address place; ///< of an announced route; for a tenant, `agent` holds its name
  /// The part that this version does not know, such as "messages of the sort 9"; empty: it knows
  /// all. A newer version may send such a part: the sender must be told, and the link goes on. The
  /// field of an unknown part is empty.
  std::string unknown;
};

/// Reads the record at `offset` in a frame's body and moves `offset` past it.
result<wire_record> read_record(const byte_slice& body, std::size_t& offset);

} // namespace troupe
