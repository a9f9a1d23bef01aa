#pragma once

#include "messages/bytes.hpp"
#include "messages/errors.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Frames: what a link's byte stream is cut into. All integers are little-endian.
///
///     preface   8 bytes, once, first          "TROUPE" 0 1
///     frame     u32 body length, u8 kind, u8 0, u16 0, u32 checksum, body
///
/// The checksum is the low half of XXH3-64 over the body, seeded with the kind. A body longer than
/// `limits::frame_body_bytes_max` is refused by its header, before a byte of it is stored.
namespace troupe {

enum class frame_kind : std::uint8_t {
  hello = 1,   ///< protobuf Hello
  proof = 2,   ///< protobuf Proof
  welcome = 3, ///< protobuf Welcome, to clients
  bye = 4,     ///< protobuf Bye: why the connection ends
  ping = 5,    ///< 8 bytes, sent back as they are
  pong = 6,
  envelopes = 8, ///< records: messages/wire.hpp
  chunk = 9,     ///< part of a payload too large for one frame: messages/wire.hpp
  // 16 to 31 are kept for credit, 32 to 47 for gossip, 48 to 63 for the Raft log.
};

inline constexpr std::string_view link_preface{"TROUPE\0\1", 8};
inline constexpr std::uint32_t link_version = 1;
inline constexpr std::size_t frame_header_bytes = 12;

bool is_known(frame_kind kind);

/// Writes the header of a frame whose body follows it in `frame` (header space included, at offset
/// `begin`).
void seal_frame(std::vector<char>& frame, std::size_t begin, frame_kind kind);

/// A whole frame around `body`.
void append_frame(std::vector<char>& out, frame_kind kind, std::string_view body);

/// Cuts a byte stream into frames. Holds at most one incomplete frame.
class frame_reader {
public:
  /// Called for each complete frame, in order. The slice may be kept. False ends the reading.
  using sink = std::function<bool(frame_kind, byte_slice)>;

  /// `bad_message` for a wrong preface, a frame that is too long, damaged or of unknown kind;
  /// nothing may be fed after that.
  result<void> feed(std::string_view bytes, const sink& on_frame);

  /// Bytes of an incomplete frame that are held.
  std::size_t held() const noexcept { return partial_.size(); }

private:
  result<std::size_t> frame_size(std::string_view header) const;
  result<void> complete_partial(std::string_view& bytes, const sink& on_frame, bool& go_on);

  bool preface_seen_ = false;
  std::string partial_;
};

} // namespace troupe
