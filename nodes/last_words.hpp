#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace troupe {

/// The last line that was written to a file at or behind `from`: what a process said before it
/// ended. One line, without a program's name before it, at most
/// `limits::node_last_words_bytes_max` bytes; empty if there is none.
std::string last_words(const std::filesystem::path& file, off_t from = 0);

/// The last warning or error in a log of JSON lines at or behind `from`, likewise: what a process
/// that hangs has trouble with.
std::string last_trouble(const std::filesystem::path& log, off_t from = 0);

/// How long the file is; 0 if it is not there.
off_t size_of(const std::filesystem::path& file);

} // namespace troupe
