#pragma once

#include "messages/bytes.hpp"
#include "messages/payload_kinds.hpp"

#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <utility>

namespace troupe {

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

  /// The message, or null if it is of another kind or its bytes are damaged. Parses at most once.
  template <class Message>
  Message* as() {
    if (kind_ != payload_kind_of<Message>)
      return nullptr;
    if (!message_) {
      auto parsed = std::make_unique<Message>();
      if (!parsed->ParseFromArray(bytes_.view().data(), static_cast<int>(bytes_.size())))
        return nullptr;
      message_ = std::move(parsed);
      bytes_ = {};
    }
    return static_cast<Message*>(message_.get());
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
  std::unique_ptr<google::protobuf::Message> message_;
  byte_slice bytes_;
};

} // namespace troupe
