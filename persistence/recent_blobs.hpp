#pragma once

#include "config/limits/work.hpp"
#include "persistence/blob_bytes.hpp"

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>

namespace troupe {

/// The last used blobs, as many as fit into `bytes_max`. Large blobs are not kept: the system
/// caches their files, and their readers keep what they need of them.
class recent_blobs {
public:
  explicit recent_blobs(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  const blob_bytes* find(const std::string& hash) {
    auto found = places_.find(hash);
    if (found == places_.end())
      return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return &found->second->bytes;
  }

  bool has(const std::string& hash) const { return places_.contains(hash); }

  bool takes(std::size_t size) const noexcept {
    return size <= limits::blob_in_memory_bytes_max && size + entry_bytes <= bytes_max_;
  }

  void keep(const std::string& hash, blob_bytes bytes) {
    if (!takes(bytes.size()) || places_.contains(hash))
      return;
    bytes_ += cost(bytes);
    order_.push_front({hash, std::move(bytes)});
    places_.emplace(hash, order_.begin());
    while (bytes_ > bytes_max_)
      forget(order_.back().hash);
  }

  void forget(const std::string& hash) {
    auto found = places_.find(hash);
    if (found == places_.end())
      return;
    auto forgotten = found->second;
    bytes_ -= cost(forgotten->bytes);
    places_.erase(found);
    order_.erase(forgotten);
  }

private:
  struct entry {
    std::string hash;
    blob_bytes bytes;
  };
  /// Includes the overhead of an entry, so that many small blobs are bounded too.
  static constexpr std::size_t entry_bytes = 256;
  static std::size_t cost(const blob_bytes& bytes) { return bytes.size() + entry_bytes; }

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<entry> order_;
  std::unordered_map<std::string, std::list<entry>::iterator> places_;
};

} // namespace troupe
