#include "messages/frame.hpp"

#include "config/limits/links.hpp"

#include <xxhash.h>

#include <cstring>

namespace troupe {

namespace {

/// The supported machines are little-endian.
void write_u32(char* at, std::uint32_t value) { std::memcpy(at, &value, sizeof value); }

void write_header(char* at, std::size_t body_bytes, frame_kind kind) {
  write_u32(at, static_cast<std::uint32_t>(body_bytes));
  write_u32(at + 4, static_cast<std::uint32_t>(kind));
}

result<void> check_size(std::size_t body_bytes) {
  if (body_bytes > limits::frame_body_bytes_max)
    return fail(ec::too_large, "a frame of " + std::to_string(body_bytes)
                                   + " bytes would be needed; the most is "
                                   + std::to_string(limits::frame_body_bytes_max));
  return {};
}

} // namespace

std::uint32_t frame_checksum(frame_kind kind, std::string_view body) {
  return static_cast<std::uint32_t>(
      XXH3_64bits_withSeed(body.data(), body.size(), static_cast<std::uint64_t>(kind)));
}

bool is_known(frame_kind kind) {
  switch (kind) {
    case frame_kind::hello:
    case frame_kind::proof:
    case frame_kind::welcome:
    case frame_kind::bye:
    case frame_kind::ping:
    case frame_kind::pong:
    case frame_kind::envelopes:
    case frame_kind::chunk:
      return true;
  }
  return false;
}

result<void> append_frame(std::vector<char>& out, frame_kind kind, std::string_view body) {
  if (auto fits = check_size(body.size()); !fits)
    return fits;
  auto begin = out.size();
  out.resize(begin + frame_header_bytes);
  write_header(out.data() + begin, body.size(), kind);
  write_u32(out.data() + begin + sealed_header_bytes, frame_checksum(kind, body));
  out.insert(out.end(), body.begin(), body.end());
  return {};
}

result<void> append_sealed(std::vector<char>& out, frame_kind kind, std::string_view body,
                           frame_seal& seal) {
  if (auto fits = check_size(body.size()); !fits)
    return fits;
  auto begin = out.size();
  out.resize(begin + sealed_header_bytes);
  out.insert(out.end(), body.begin(), body.end());
  return seal_frame(out, begin, kind, seal);
}

result<void> seal_frame(std::vector<char>& out, std::size_t begin, frame_kind kind,
                        frame_seal& seal) {
  auto body_bytes = out.size() - begin - sealed_header_bytes;
  if (auto fits = check_size(body_bytes); !fits)
    return fits;
  write_header(out.data() + begin, body_bytes, kind);
  auto tag = seal.next({out.data() + begin, out.size() - begin});
  out.insert(out.end(), tag.begin(), tag.end());
  return {};
}

} // namespace troupe
