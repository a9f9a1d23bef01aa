#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace troupe {

/// The last line of a file at or after offset `from`: what a process wrote before it ended. It is
/// one line of at most `limits::node_last_words_bytes_max` bytes, without the program's name in
/// front. Empty if there is none.
std::string last_words(const std::filesystem::path& file, off_t from = 0);

/// The last warning or error of a log of JSON lines at or after `from`, in the same form: the
/// likely trouble of a process that hangs.
std::string last_trouble(const std::filesystem::path& log, off_t from = 0);

/// The size of the file in bytes; 0 if there is no such file.
off_t size_of(const std::filesystem::path& file);

} // namespace troupe
