#pragma once

#include "messages/errors.hpp"
#include "messages/frame_seal.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

// clang-format off
/// Frames: the pieces that a link's byte stream is cut into. All integers are little-endian.
///
///     stream   = preface, plain*, sealed*          in each direction
///     preface  = "TROUPE" 0 1                      8 bytes
///     plain    = header, u32 checksum, body        hello, proof; bye before the proof
///     sealed   = header, body, tag                 everything after the sender's proof
///     header   = u32 body length, u8 kind, u8 0, u16 0
///
/// The checksum is the low half of XXH3-64 over the body, seeded with the kind: it detects damage.
/// The tag has 16 bytes and detects everything else: messages/frame_seal.hpp.
///
/// Plain frames never change their format, so that two versions can tell each other why they part.
/// A body longer than `limits::frame_body_bytes_max` is refused when its header is read, before a
/// byte of it is stored.
// clang-format on
namespace troupe {

enum class frame_kind : std::uint8_t {
  hello = 1,   ///< protobuf Hello
  proof = 2,   ///< protobuf Proof
  welcome = 3, ///< protobuf Welcome, to clients
  bye = 4,     ///< protobuf Bye: why the connection ends
  ping = 5,    ///< 8 bytes, sent back unchanged
  pong = 6,
  envelopes = 8, ///< records: messages/wire.hpp
  chunk = 9,     ///< part of a payload too large for one frame: messages/wire.hpp
  // 16 to 31 are reserved for credit, 32 to 47 for gossip, 48 to 63 for the Raft log.
};

inline constexpr std::string_view link_preface{"TROUPE\0\1", 8};
/// 2: frames are sealed, the dialler names the node it wants, chunks give the length of the whole.
inline constexpr std::uint32_t link_version = 2;
inline constexpr std::size_t frame_header_bytes = 12; ///< of a plain frame, checksum included
inline constexpr std::size_t sealed_header_bytes = 8;

bool is_known(frame_kind kind);

/// Of a plain frame's body.
std::uint32_t frame_checksum(frame_kind kind, std::string_view body);

/// Appends a plain frame around `body`. Beyond the limit: `too_large`, and nothing is appended.
result<void> append_frame(std::vector<char>& out, frame_kind kind, std::string_view body);

/// Appends a sealed frame around `body`. `too_large` as above: the seal can go on.
result<void> append_sealed(std::vector<char>& out, frame_kind kind, std::string_view body,
                           frame_seal& seal);

/// Completes the frame at `begin` in `out`, where there is space for the header, followed by the
/// body: writes the header and appends the tag. `too_large` as above.
result<void> seal_frame(std::vector<char>& out, std::size_t begin, frame_kind kind,
                        frame_seal& seal);

} // namespace troupe
