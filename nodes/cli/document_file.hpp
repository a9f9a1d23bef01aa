#pragma once

#include "config/limits/units.hpp"
#include "messages/errors.hpp"

#include <cstddef>
#include <filesystem>
#include <string>

namespace troupe::cli {

inline constexpr std::size_t beginning_bytes = 8 * limits::kib; ///< enough to recognise text

/// Reads the first bytes of a regular file, at most `bytes_max`. Returns false and sets errno if it
/// cannot be read. Never waits for the other end of a pipe or for a terminal.
bool read_beginning(const std::filesystem::path& path, std::size_t bytes_max, std::string& into);

/// The bytes that a regular file has now, without what is written to it later. Error messages
/// continue a sentence that begins with the file's name: "cannot be read: ...", "is too large ...".
result<std::string> read_regular_file(const std::filesystem::path& path, std::size_t bytes_max);

} // namespace troupe::cli
