#pragma once

#include "config/limits/telemetry.hpp"

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace troupe {

/// Finds what belongs to a set of up to three label values without building a map of labels.
/// prometheus-cpp would need such a map for each update (1 µs and several allocations).
/// Thread-safe: sixteen locked parts, so that threads rarely meet. A series is never removed;
/// beyond `metric_series_max` all new label sets share the series made for "other".
template <class Series>
class series_cache {
public:
  using labels = std::array<std::string_view, 3>;

  /// `make(labels)` is called once for a new label set.
  template <class Make>
  Series& find(const labels& wanted, const Make& make) {
    auto hash = hash_of(wanted);
    auto& chosen = parts_[hash % parts_.size()];
    std::lock_guard lock{chosen.mutex};
    auto [begin, end] = chosen.known.equal_range(hash);
    for (auto at = begin; at != end; ++at)
      if (at->second.has(wanted))
        return at->second.series;
    if (chosen.known.size() >= limits::metric_series_max / parts_.size()) {
      if (!chosen.other)
        chosen.other = make(labels{"other", "other", "other"});
      return *chosen.other;
    }
    auto added = chosen.known.emplace(
        hash, entry{{std::string{wanted[0]}, std::string{wanted[1]}, std::string{wanted[2]}},
                    make(wanted)});
    return added->second.series;
  }

private:
  struct entry {
    std::array<std::string, 3> values;
    Series series;

    bool has(const labels& wanted) const {
      return values[0] == wanted[0] && values[1] == wanted[1] && values[2] == wanted[2];
    }
  };

  struct alignas(64) part {
    std::mutex mutex;
    std::unordered_multimap<std::uint64_t, entry> known;
    std::optional<Series> other;
  };

  static std::uint64_t hash_of(const labels& values) {
    std::uint64_t hash = 0;
    for (auto value : values)
      hash = (hash ^ std::hash<std::string_view>{}(value)) * 0x9e3779b97f4a7c15ULL;
    return hash ^ hash >> 32;
  }

  std::array<part, 16> parts_;
};

} // namespace troupe
