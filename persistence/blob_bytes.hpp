#pragma once

#include "messages/byte_slice.hpp"

#include <cstddef>
#include <memory>
#include <string_view>

namespace troupe {

/// The bytes of a blob, shared and immutable, laid out as the message that carries them (BlobData):
///
///     0x0a   size as a varint, 1 to 5 bytes   the bytes
///
/// so a thousand answers with the same document are a thousand references to one buffer.
class blob_bytes {
public:
  blob_bytes() = default;

  /// Makes room for `size` bytes; `fill(char* to)` writes at most that many and returns how many.
  template <class Fill>
  static blob_bytes filled(std::size_t size, Fill fill) {
    char head[head_bytes_max];
    auto head_bytes = write_head(head, size);
    auto owner = std::make_shared_for_overwrite<char[]>(head_bytes + size);
    auto data = owner.get();
    std::char_traits<char>::copy(data, head, head_bytes);
    auto there = fill(data + head_bytes);
    if (there < size) // it was shorter than announced: laid out again
      return copy_of({data + head_bytes, there});
    blob_bytes made;
    made.wire_ = {std::move(owner), data, head_bytes + size};
    made.head_bytes_ = head_bytes;
    return made;
  }

  static blob_bytes copy_of(std::string_view bytes) {
    return filled(bytes.size(), [&](char* to) {
      bytes.copy(to, bytes.size());
      return bytes.size();
    });
  }

  std::string_view view() const noexcept { return wire_.view().substr(head_bytes_); }
  std::size_t size() const noexcept { return wire_.size() - head_bytes_; }

  /// The BlobData message, serialised.
  const byte_slice& wire() const noexcept { return wire_; }

private:
  static constexpr std::size_t head_bytes_max = 11;

  static std::size_t write_head(char* to, std::size_t size) {
    constexpr char field_1_bytes = 0x0a;
    std::size_t at = 0;
    to[at++] = field_1_bytes;
    for (; size >= 0x80; size >>= 7)
      to[at++] = static_cast<char>(size | 0x80);
    to[at++] = static_cast<char>(size);
    return at;
  }

  byte_slice wire_;
  std::size_t head_bytes_ = 0;
};

} // namespace troupe
