#pragma once

#include "actors/logic.hpp"
#include "config/base/split_mix.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace troupe::sim {

/// Numbers from a seed. Each part of the simulator has dice of its own, so that one more draw in
/// one part leaves the others' as they are. No dice draw what others draw later, neither of the
/// same seed nor of the next one.
class dice final : public random_source {
public:
  dice(std::uint64_t seed, std::uint64_t part) : numbers_(seed, part) {}

  std::uint64_t next() override { return numbers_.next(); }

  /// From 0 to `below` - 1.
  std::uint64_t below(std::uint64_t below) { return below == 0 ? 0 : next() % below; }

  /// True once in so many times; zero: never.
  bool once_in(std::uint64_t times) { return times != 0 && next() % times == 0; }

  std::chrono::nanoseconds between(std::chrono::nanoseconds least, std::chrono::nanoseconds most) {
    auto span = static_cast<std::uint64_t>(std::max<std::int64_t>((most - least).count(), 0));
    return least + std::chrono::nanoseconds{static_cast<std::int64_t>(below(span + 1))};
  }

  std::string bytes(std::size_t count) {
    std::string made;
    while (made.size() < count)
      made.push_back(static_cast<char>(next() >> 24));
    return made;
  }

private:
  split_mix numbers_;
};

} // namespace troupe::sim
