#pragma once

#include "config/limits/units.hpp"

/// Files and stores.
namespace troupe::limits {

inline constexpr std::size_t yaml_bytes_max = 1 * mib; ///< of one configuration, role or graph file
inline constexpr std::size_t yaml_depth_max = 64;      ///< lists and mappings within each other
inline constexpr std::uint64_t disk_free_bytes_min = 64 * mib; ///< below it nothing is written
inline constexpr std::size_t store_buffer_bytes = 4 * mib;     ///< RocksDB: unflushed writes
inline constexpr std::size_t store_cache_bytes = 4 * mib;      ///< RocksDB: blocks read
inline constexpr std::size_t blob_fetches_max = 256; ///< different blobs on their way at once
inline constexpr std::size_t blob_waiters_max =
    1'024; ///< requests that wait for blobs on their way
inline constexpr std::uint64_t blob_waiting_bytes_max = 256 * mib; ///< what those will be given

inline constexpr std::size_t heap_block_bytes_max =
    1 * mib; ///< what is larger is taken from the system and given back alone
inline constexpr std::size_t heap_kept_bytes_max = 8 * mib; ///< free at the end of a heap

} // namespace troupe::limits
