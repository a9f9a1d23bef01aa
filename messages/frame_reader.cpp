#include "messages/frame_reader.hpp"

#include "config/limits/links.hpp"

#include <algorithm>
#include <cstring>

namespace troupe {

namespace {

std::uint32_t read_u32(const char* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value); // the supported machines are little-endian
  return value;
}

} // namespace

/// Checks one complete frame and passes it on.
result<void> frame_reader::hand_on(const byte_slice& frame, const sink& on_frame, bool& go_on) {
  auto bytes = frame.view();
  auto kind = static_cast<frame_kind>(bytes[4]);
  auto body_bytes = read_u32(bytes.data());
  auto body = frame.part(header_bytes(), body_bytes);
  if (now_ == stage::sealed) {
    auto sealed = sealed_header_bytes + body_bytes;
    if (!seal_->matches_next(bytes.substr(0, sealed), bytes.substr(sealed)))
      return fail(ec::refused, "a frame that is not the next one its sender sealed: it was "
                               "changed, repeated, left out or made up on the way");
  } else if (read_u32(bytes.data() + sealed_header_bytes) != frame_checksum(kind, body.view())) {
    return fail(ec::bad_message, "a damaged frame: its checksum does not match");
  }
  go_on = on_frame(kind, std::move(body));
  return {};
}

result<std::size_t> frame_reader::frame_size(std::string_view header) const {
  auto body = read_u32(header.data());
  if (body > limits::frame_body_bytes_max)
    return fail(ec::bad_message, "a frame that announces " + std::to_string(body)
                                     + " bytes; the most is "
                                     + std::to_string(limits::frame_body_bytes_max));
  if (read_u32(header.data() + 4) > 0xff || !is_known(static_cast<frame_kind>(header[4])))
    return fail(ec::bad_message, "a frame of an unknown kind");
  return header_bytes() + body + (now_ == stage::sealed ? frame_tag_bytes : 0);
}

bool frame_reader::invariants() const {
  if ((now_ == stage::sealed) != (seal_ != nullptr))
    return false;
  if (now_ == stage::preface)
    return partial_.size() < link_preface.size() && link_preface.starts_with(partial_);
  if (partial_.size() < header_bytes())
    return true;
  auto size = frame_size(partial_);
  return size && partial_.size() < *size;
}

result<void> frame_reader::complete_partial(std::string_view& bytes, const sink& on_frame,
                                            bool& go_on) {
  auto take = [&](std::size_t want) {
    auto taken = bytes.substr(0, want - std::min(want, partial_.size()));
    partial_.append(taken);
    bytes.remove_prefix(taken.size());
    return partial_.size() >= want;
  };
  if (!take(header_bytes()))
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

/// False until it is complete.
result<bool> frame_reader::read_preface(std::string_view& bytes) {
  auto taken = bytes.substr(0, link_preface.size() - partial_.size());
  partial_.append(taken);
  bytes.remove_prefix(taken.size());
  if (partial_ != link_preface.substr(0, partial_.size()))
    return fail(ec::bad_message, "a connection that does not speak this protocol");
  if (partial_.size() < link_preface.size())
    return false;
  partial_.clear();
  return true;
}

result<void> frame_reader::feed(std::string_view bytes, const sink& on_frame) {
  if (now_ == stage::preface) {
    auto seen = read_preface(bytes);
    if (!seen || !*seen)
      return seen ? result<void>{} : unexpected{seen.error()};
    now_ = stage::plain;
  }
  bool go_on = true;
  // Plain frames are read one by one: any of them may be the last.
  while (go_on && !bytes.empty() && (now_ == stage::plain || !partial_.empty()))
    if (auto done = complete_partial(bytes, on_frame, go_on); !done || !partial_.empty())
      return done;
  if (!go_on || bytes.empty())
    return {};
  // The complete sealed frames among the rest are stored together, once.
  std::size_t whole = 0;
  while (bytes.size() - whole >= sealed_header_bytes) {
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
    auto size = sealed_header_bytes + read_u32(run.view().data() + at) + frame_tag_bytes;
    if (auto done = hand_on(run.part(at, size), on_frame, go_on); !done)
      return done;
    at += size;
  }
  return {};
}

} // namespace troupe
