#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every bound of the system has a name in this folder, one file per subject. A bound that people
/// tune is a configuration key whose default stands here; the others protect the process and should
/// not be reached.
namespace troupe::limits {

using namespace std::chrono_literals;

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;

} // namespace troupe::limits
