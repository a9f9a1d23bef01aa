#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe {

/// Random bytes from the system, fit for secrets. After the system's start, waits until it has
/// collected enough for the first ones. If the system has none, the process ends: nothing may go on
/// with guessable secrets.
std::string random_bytes(std::size_t count);

/// Eight of them as a number.
std::uint64_t random_bits();

} // namespace troupe
