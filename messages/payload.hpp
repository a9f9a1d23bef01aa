#pragma once

#include "messages/byte_slice.hpp"
#include "messages/payload_kinds.hpp"

#include <google/protobuf/message.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// Reads `bytes` into `into`. This is the only parser for everything that comes from a link or a
/// disk. It bounds depth as for values (`limits::message_depth_max`), not as protobuf does. False:
/// the bytes are damaged, nested too deeply, or hold text that is not UTF-8.
bool parse_message(google::protobuf::Message& into, std::string_view bytes);

/// Whether this version has a payload with that number. A newer version may send others.
bool is_known(payload_kind kind) noexcept;

/// What an envelope carries: a protobuf message as an object, or its bytes as they came from
/// another node. The receiver parses the bytes when it first looks; the link does not. Move-only.
class payload {
public:
  payload() = default;

  template <class Message>
  static payload of(Message message) {
    payload made;
    made.kind_ = payload_kind_of<Message>;
    made.message_ = std::make_unique<Message>(std::move(message));
    return made;
  }

  /// An empty message, to be filled where it lies: `as<Message>()` is not null.
  template <class Message>
  static payload make() {
    payload made;
    made.kind_ = payload_kind_of<Message>;
    made.message_ = std::make_unique<Message>();
    return made;
  }

  static payload from_wire(payload_kind kind, byte_slice bytes) {
    payload made;
    made.kind_ = kind;
    made.bytes_ = std::move(bytes);
    return made;
  }

  payload_kind kind() const noexcept { return kind_; }
  bool empty() const noexcept { return kind_ == payload_kind::none; }

  /// The message, or null if it is of another kind or cannot be read; `unreadable` tells which of
  /// these. Parses at most once.
  template <class Message>
  Message* as() {
    if (kind_ != payload_kind_of<Message> || unreadable_)
      return nullptr;
    if (!message_) {
      auto parsed = std::make_unique<Message>();
      if (!parse_message(*parsed, bytes_.view())) {
        unreadable_ = true;
        return nullptr;
      }
      message_ = std::move(parsed);
      bytes_ = {};
    }
    return static_cast<Message*>(message_.get());
  }

  /// The bytes were parsed, and they are not what their kind says.
  bool unreadable() const noexcept { return unreadable_; }
  /// The same of bytes within the message that only its receiver reads.
  void set_unreadable() noexcept { unreadable_ = true; }

  /// What `Message` finds in bytes that could not be read as their own kind: a `Message` that knows
  /// only their first fields skips the rest. Nothing if that fails too.
  template <class Message>
  std::optional<Message> salvage() const {
    Message part;
    if (!unreadable_ || !parse_message(part, bytes_.view()))
      return std::nullopt;
    return part;
  }

  /// A copy of the message. An object is first turned into bytes, once; both copies share them.
  payload share() {
    if (message_) {
      auto size = message_->ByteSizeLong();
      auto owner = std::make_shared_for_overwrite<char[]>(size);
      auto data = owner.get();
      message_->SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(data));
      bytes_ = {std::move(owner), data, size};
      message_.reset();
    }
    return from_wire(kind_, bytes_);
  }

  /// Bytes on the wire.
  std::size_t wire_size() const { return message_ ? message_->ByteSizeLong() : bytes_.size(); }
  void append_to(std::string& out) const;

private:
  payload_kind kind_ = payload_kind::none;
  bool unreadable_ = false;
  std::unique_ptr<google::protobuf::Message> message_;
  byte_slice bytes_;
};

} // namespace troupe
