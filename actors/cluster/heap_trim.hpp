#pragma once

#include "config/limits/links.hpp"

#include <malloc.h>

#include <cstddef>

namespace troupe {

/// Call this when a link has freed that many bytes at once. They lie between bytes that others use,
/// and the heap would keep them: a client that comes and goes must not leave a node a hundred
/// megabytes larger. Trimming takes some milliseconds, so small amounts are ignored.
inline void trim_heap_after(std::size_t freed_bytes) {
  if (freed_bytes >= limits::trimmed_bytes_min)
    ::malloc_trim(0);
}

} // namespace troupe
