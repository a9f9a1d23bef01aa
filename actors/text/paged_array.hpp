#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace troupe {

/// A long array whose memory comes from the system and goes back to it at once: the heap would keep
/// the memory of a large document. It grows without a copy, so it never takes twice its size, and
/// it can give back its front while its rest is still being read. Throws std::bad_alloc.
template <class T>
class paged_array {
  static_assert(std::is_trivially_copyable_v<T>);

public:
  paged_array() = default;
  paged_array(paged_array&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  paged_array& operator=(paged_array&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~paged_array() {
    if (data_)
      ::munmap(data_, bytes_);
  }

  void push_back(T value) {
    if ((size_ + 1) * sizeof(T) > bytes_)
      resize_mapping(bytes_ == 0 ? first_bytes : 2 * bytes_);
    data_[size_++] = value;
  }

  std::span<T> all() noexcept { return {data_, size_}; }
  std::span<const T> all() const noexcept { return {data_, size_}; }
  std::size_t size() const noexcept { return size_; }
  /// What it takes, in whole pages, once it has stopped growing.
  std::size_t memory() const noexcept { return bytes_; }

  void shrink_to_fit() {
    if (size_ == 0)
      *this = paged_array{};
    else
      resize_mapping(size_ * sizeof(T));
  }

  /// Gives back the memory before `index`; those elements must not be read any more.
  void forget_before(std::size_t index) noexcept {
    auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    if (auto whole = index * sizeof(T) / page * page; whole > 0)
      ::madvise(data_, whole, MADV_DONTNEED);
  }

private:
  static constexpr std::size_t first_bytes = 16 * 1024;

  void resize_mapping(std::size_t bytes) {
    auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    bytes = (bytes + page - 1) / page * page;
    auto made =
        data_ ? ::mremap(data_, bytes_, bytes, MREMAP_MAYMOVE)
              : ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED)
      throw std::bad_alloc{};
    data_ = static_cast<T*>(made);
    bytes_ = bytes;
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0; ///< that are mapped
};

} // namespace troupe
