#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

/// Hashes of blobs as sets: sorted, each once.
namespace troupe {

inline constexpr std::size_t blob_hash_bytes = 32;

template <class Hashes>
std::vector<std::string> set_of(const Hashes& hashes) {
  std::vector<std::string> made(hashes.begin(), hashes.end());
  std::sort(made.begin(), made.end());
  made.erase(std::unique(made.begin(), made.end()), made.end());
  return made;
}

inline std::vector<std::string> split_hashes(std::string_view hashes) {
  std::vector<std::string> made;
  for (; hashes.size() >= blob_hash_bytes; hashes.remove_prefix(blob_hash_bytes))
    made.emplace_back(hashes.substr(0, blob_hash_bytes));
  return made;
}

template <class Hashes>
bool are_hashes(const Hashes& hashes) {
  return std::all_of(hashes.begin(), hashes.end(),
                     [](const auto& hash) { return hash.size() == blob_hash_bytes; });
}

inline std::string joined_hashes(const std::vector<std::string>& hashes) {
  std::string all;
  for (const auto& one : hashes)
    all += one;
  return all;
}

inline std::vector<std::string> without(const std::vector<std::string>& from,
                                        const std::vector<std::string>& others) {
  std::vector<std::string> rest;
  std::set_difference(from.begin(), from.end(), others.begin(), others.end(),
                      std::back_inserter(rest));
  return rest;
}

} // namespace troupe
