#pragma once

#include "config/limits/units.hpp"
#include "messages/errors.hpp"

#include <cstddef>
#include <filesystem>
#include <string>

namespace troupe::cli {

inline constexpr std::size_t beginning_bytes = 8 * limits::kib; ///< text is told by so much

/// The first bytes of a regular file, at most `bytes_max`; false with errno set if it cannot be
/// read. Never waits for the other end of a pipe or for a terminal.
bool read_beginning(const std::filesystem::path& path, std::size_t bytes_max, std::string& into);

/// The bytes that a regular file has now; what is written to it from here on is not read. Errors
/// are words that follow its name: "cannot be read: ...", "is too large ...".
result<std::string> read_regular_file(const std::filesystem::path& path, std::size_t bytes_max);

} // namespace troupe::cli
