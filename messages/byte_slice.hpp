#pragma once

#include <cstring>
#include <memory>
#include <string_view>

namespace troupe {

/// A part of a shared, immutable buffer. The bytes of one socket read are stored once; the messages
/// in them refer to them until they are parsed.
class byte_slice {
public:
  byte_slice() = default;
  byte_slice(std::shared_ptr<const char[]> owner, const char* data, std::size_t size)
      : owner_(std::move(owner)), data_(data), size_(size) {}

  static byte_slice copy_of(std::string_view bytes) {
    auto owner = std::make_shared_for_overwrite<char[]>(bytes.size());
    std::memcpy(owner.get(), bytes.data(), bytes.size());
    auto data = owner.get();
    return {std::move(owner), data, bytes.size()};
  }

  std::string_view view() const noexcept { return {data_, size_}; }
  std::size_t size() const noexcept { return size_; }

  byte_slice part(std::size_t offset, std::size_t size) const {
    return {owner_, data_ + offset, size};
  }

private:
  std::shared_ptr<const char[]> owner_;
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace troupe
