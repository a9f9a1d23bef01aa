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

} // namespace troupe
