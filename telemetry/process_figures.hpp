#pragma once

#include <cstdint>
#include <optional>

namespace troupe {

/// What this process uses, as Linux counts it. A figure that cannot currently be read (no free file
/// descriptor, no /proc) is absent.
struct process_figures {
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> open_fds;
  double cpu_seconds = 0;   ///< user and system time of all threads
  double start_seconds = 0; ///< since the Unix epoch
};

process_figures read_process_figures();

} // namespace troupe
