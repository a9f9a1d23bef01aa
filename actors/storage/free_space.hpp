#pragma once

#include "messages/errors.hpp"

#include <cstdint>
#include <string_view>

namespace troupe {

/// Whether a node takes something new: its disk has at least `least` bytes free
/// (`storage.free_min`). `refused`: what it is, for the error, such as "run". Asked each time, so
/// it is over by itself when there is space again. `storage_failed`: no, or nobody knows.
result<void> check_space_for_new(const result<std::uint64_t>& free, std::uint64_t least,
                                 std::string_view refused);

} // namespace troupe
