#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// "1 task", "2 tasks": a number and its noun, for messages. `one` is the singular of a noun whose
/// plural ends in s.
inline std::string count_of(std::uint64_t count, std::string_view one) {
  return std::to_string(count) + ' ' + std::string{one} + (count == 1 ? "" : "s");
}

} // namespace troupe
