#pragma once

#include <cstdint>

namespace troupe {

/// Numbers that look random and follow from the seed: SplitMix64 (Steele, Lea, Flood: "Fast
/// splittable pseudorandom number generators", 2014). For ids and schedules, not for secrets.
class split_mix {
public:
  explicit split_mix(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    auto z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

private:
  std::uint64_t state_;
};

} // namespace troupe
