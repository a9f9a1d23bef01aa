#pragma once

#include <cstdint>

namespace troupe {

/// Numbers that look random and follow from the seed: SplitMix64 (Steele, Lea, Flood: "Fast
/// splittable pseudorandom number generators", 2014). For ids and schedules, not for secrets.
class split_mix {
public:
  explicit split_mix(std::uint64_t seed) noexcept : state_(seed) {}

  /// One of many streams, such as the numbers of one part of a program for one seed. All states lie
  /// on one cycle, in steps of a constant: a stream that began at a multiple of it, or at seed plus
  /// part, would be that of a neighbour from its second number on. So both are mixed before.
  split_mix(std::uint64_t seed, std::uint64_t part) noexcept
      : state_(split_mix{seed}.next() ^ split_mix{~part}.next()) {}

  std::uint64_t next() noexcept {
    auto z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  /// From 0, which is possible, to 1, which is not.
  double share() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

private:
  std::uint64_t state_;
};

} // namespace troupe
