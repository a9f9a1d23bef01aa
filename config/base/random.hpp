#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe {

/// Random bytes of the system, fit for secrets. Waits until the system has collected enough for the
/// first ones after its start. A system that has none ends the process: nothing may go on with
/// guessable secrets.
std::string random_bytes(std::size_t count);

/// Eight of them as a number.
std::uint64_t random_bits();

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
