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

/// Reads `bytes` into `into`: the one parser of everything that comes from a link or a disk. Its
/// bound of depth is that of values (`limits::message_depth_max`), not protobuf's own. False: the
/// bytes are damaged, nested too deep, or hold text that is not UTF-8.
bool parse_message(google::protobuf::Message& into, std::string_view bytes);

/// Whether this version has a payload of that number. A newer one may send others.
bool is_known(payload_kind kind) noexcept;

/// What an envelope carries: a protobuf message as an object, or its bytes as they came from
/// another node. Bytes are parsed by the receiver when it first looks, not by the link. Move-only.
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

  static payload from_wire(payload_kind kind, byte_slice bytes) {
    payload made;
    made.kind_ = kind;
    made.bytes_ = std::move(bytes);
    return made;
  }

  payload_kind kind() const noexcept { return kind_; }
  bool empty() const noexcept { return kind_ == payload_kind::none; }

  /// The message, or null if it is of another kind or cannot be read; `unreadable` tells which.
  /// Parses at most once.
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

  /// Somebody looked, and the bytes are not what their kind says.
  bool unreadable() const noexcept { return unreadable_; }
  /// The same of bytes within the message that only its receiver reads.
  void set_unreadable() noexcept { unreadable_ = true; }

  /// What `Message` finds in bytes that could not be read as what they are: one that knows only
  /// their first fields skips the rest. Nothing if that fails too.
  template <class Message>
  std::optional<Message> salvage() const {
    Message part;
    if (!unreadable_ || !parse_message(part, bytes_.view()))
      return std::nullopt;
    return part;
  }

  /// The same message once more. An object is turned into its bytes first, once; both share them.
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
