#pragma once

#include "messages/bytes.hpp"
#include "messages/envelope.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

/// How envelopes stand in frames of kind `envelopes`: a sequence of records, little-endian.
///
///     envelope  u8 0, u8 kind | priority << 4, u8 fields, u8 trace flags, u16 attempt, u16 payload
///     kind,
///               u32 payload bytes, u32 target route, u32 sender route, u64 session, u64 sequence,
///               [u64 trace hi, u64 trace lo, u64 span], [u32 tenant route], [u32 milliseconds
///               left], [u32 stream], payload (absent if it came as a stream)
///     route     u8 1, u32 route, u8 kind, u8 service, u64 node hi, u64 node lo, u64 session, u16
///     length, name reset     u8 2: all routes so far are forgotten
///
/// A name is announced once per link and then called by its number. A payload longer than
/// `stream_payload_bytes` comes ahead of its envelope in frames of kind `chunk` (u32 stream,
/// bytes), between which other traffic passes: such a message may be overtaken by later, smaller
/// ones.
namespace troupe {

using route_id = std::uint32_t; ///< from 1 per link and direction; 0: none

inline constexpr std::size_t stream_payload_bytes = 64 * 1024;

/// The routes of an envelope, as its sender's link numbers them.
struct wire_routes {
  route_id target = 0;
  route_id sender = 0;
  route_id tenant = 0;
};

/// Appends the record. With `stream` not zero the payload was sent ahead under that number.
void append_envelope(std::vector<char>& out, const envelope& message, const wire_routes& routes,
                     std::string_view payload_bytes, std::uint32_t stream = 0);

void append_route(std::vector<char>& out, route_id id, const address& a);
void append_reset(std::vector<char>& out);

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
};

/// Reads the record at `offset` of a frame's body and moves `offset` behind it.
result<wire_record> read_record(const byte_slice& body, std::size_t& offset);

} // namespace troupe
