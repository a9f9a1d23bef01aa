#include "messages/frame.hpp"

#include "config/limits/links.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace troupe {

namespace {

std::uint32_t checksum(frame_kind kind, std::string_view body) {
  return static_cast<std::uint32_t>(
      XXH3_64bits_withSeed(body.data(), body.size(), static_cast<std::uint64_t>(kind)));
}

std::uint32_t read_u32(const char* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value); // the supported machines are little-endian
  return value;
}

void write_u32(char* at, std::uint32_t value) { std::memcpy(at, &value, sizeof value); }

/// Checks one complete frame and hands it on.
result<void> hand_on(const byte_slice& frame, const frame_reader::sink& on_frame, bool& go_on) {
  auto kind = static_cast<frame_kind>(frame.view()[4]);
  auto body = frame.part(frame_header_bytes, frame.size() - frame_header_bytes);
  if (read_u32(frame.view().data() + 8) != checksum(kind, body.view()))
    return fail(ec::bad_message, "a damaged frame: its checksum does not match");
  go_on = on_frame(kind, std::move(body));
  return {};
}

} // namespace

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

void seal_frame(std::vector<char>& frame, std::size_t begin, frame_kind kind) {
  auto header = frame.data() + begin;
  auto body_bytes = frame.size() - begin - frame_header_bytes;
  assert(body_bytes <= limits::frame_body_bytes_max);
  write_u32(header, static_cast<std::uint32_t>(body_bytes));
  write_u32(header + 4, static_cast<std::uint32_t>(kind));
  write_u32(header + 8, checksum(kind, {header + frame_header_bytes, body_bytes}));
}

void append_frame(std::vector<char>& out, frame_kind kind, std::string_view body) {
  auto begin = out.size();
  out.resize(begin + frame_header_bytes);
  out.insert(out.end(), body.begin(), body.end());
  seal_frame(out, begin, kind);
}

result<std::size_t> frame_reader::frame_size(std::string_view header) const {
  auto body = read_u32(header.data());
  if (body > limits::frame_body_bytes_max)
    return fail(ec::bad_message, "a frame that announces " + std::to_string(body)
                                     + " bytes; the most is "
                                     + std::to_string(limits::frame_body_bytes_max));
  if (read_u32(header.data() + 4) > 0xff || !is_known(static_cast<frame_kind>(header[4])))
    return fail(ec::bad_message, "a frame of an unknown kind");
  return frame_header_bytes + body;
}

result<void> frame_reader::complete_partial(std::string_view& bytes, const sink& on_frame,
                                            bool& go_on) {
  auto take = [&](std::size_t want) {
    auto taken = bytes.substr(0, want - std::min(want, partial_.size()));
    partial_.append(taken);
    bytes.remove_prefix(taken.size());
    return partial_.size() >= want;
  };
  if (!take(frame_header_bytes))
    return {};
  auto size = frame_size(partial_);
  if (!size)
    return unexpected{size.error()};
  if (!take(*size))
    return {};
  auto frame = byte_slice::copy_of(partial_);
  partial_.clear();
  return hand_on(frame, on_frame, go_on);
}

result<void> frame_reader::feed(std::string_view bytes, const sink& on_frame) {
  if (!preface_seen_) {
    auto taken = bytes.substr(0, link_preface.size() - partial_.size());
    partial_.append(taken);
    bytes.remove_prefix(taken.size());
    if (partial_ != link_preface.substr(0, partial_.size()))
      return fail(ec::bad_message, "a connection that does not speak this protocol");
    if (partial_.size() < link_preface.size())
      return {};
    preface_seen_ = true;
    partial_.clear();
  }
  bool go_on = true;
  if (!partial_.empty())
    if (auto done = complete_partial(bytes, on_frame, go_on); !done || !partial_.empty())
      return done;
  // The complete frames among the rest are stored once, together.
  std::size_t whole = 0;
  while (bytes.size() - whole >= frame_header_bytes) {
    auto size = frame_size(bytes.substr(whole));
    if (!size)
      return unexpected{size.error()};
    if (bytes.size() - whole < *size)
      break;
    whole += *size;
  }
  partial_.assign(bytes.substr(whole));
  if (whole == 0)
    return {};
  auto run = byte_slice::copy_of(bytes.substr(0, whole));
  for (std::size_t at = 0; go_on && at < whole;) {
    auto size = frame_header_bytes + read_u32(run.view().data() + at);
    if (auto done = hand_on(run.part(at, size), on_frame, go_on); !done)
      return done;
    at += size;
  }
  return {};
}

} // namespace troupe
