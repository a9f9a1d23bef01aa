#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every bound of the system by name. A bound that people tune is a configuration key whose default
/// stands here; the others protect the process and are not meant to be reached.
namespace troupe::limits {

using namespace std::chrono_literals;

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;

// -- links ----------------------------------------------------------------------------------------

inline constexpr std::size_t frame_body_bytes_max = 256 * kib; ///< longer: the connection is closed
inline constexpr std::size_t frame_body_bytes_aim = 64 * kib;  ///< a gathering frame is sealed here
inline constexpr std::size_t payload_bytes_max = 48 * mib;     ///< of one message, in chunks
inline constexpr std::size_t link_bytes_max = 64 * mib;        ///< waiting in one link, then `overloaded`
inline constexpr std::size_t link_assembling_bytes_max = 64 * mib; ///< chunks not yet complete
inline constexpr std::size_t link_routes_max = 65'536;
inline constexpr std::size_t hello_bytes_max = 64 * kib; ///< all that an unproven connection may send
inline constexpr auto hello_deadline = 5s;
inline constexpr std::size_t unproven_connections_max = 128;
inline constexpr auto ping_after_silence = 500ms;
inline constexpr auto suspect_after_silence = 2s;
inline constexpr auto down_after_silence = 5s;
inline constexpr auto dial_timeout = 1s;
inline constexpr auto dial_backoff_min = 10ms;
inline constexpr auto dial_backoff_max = 2s;

// -- messages -------------------------------------------------------------------------------------

inline constexpr std::size_t agent_name_bytes_max = 256;
inline constexpr std::size_t tenant_bytes_max = 64;
inline constexpr std::size_t members_max = 64;
inline constexpr std::size_t replies_kept_max = 64;   ///< by an agent for one sender session
inline constexpr std::size_t sessions_kept_max = 256; ///< sender sessions an agent remembers
inline constexpr auto request_timeout = 60s;

// -- agents, tasks, runs ----------------------------------------------------------------------------

inline constexpr std::size_t agents_active_max = 1'000'000;
inline constexpr std::size_t agent_inbox_max = 1'024; ///< messages that wait while an agent is busy
inline constexpr std::size_t agent_state_bytes_max = 1 * mib;
inline constexpr std::size_t directory_shards = 16;
inline constexpr std::size_t pool_size = 10; ///< anonymous agents of one role on one node
inline constexpr std::size_t queue_tasks_max = 10'000;
inline constexpr std::size_t runs_max = 1'000;
inline constexpr std::size_t run_tasks_max = 100'000;
inline constexpr std::uint32_t task_attempts_max = 10;
inline constexpr auto task_timeout = 10min;
inline constexpr std::size_t document_bytes_max = 32 * mib;
inline constexpr std::size_t documents_max = 10'000;
inline constexpr std::size_t folder_bytes_max = 512 * mib;
inline constexpr std::size_t blob_memory_bytes_max = 64 * mib;
inline constexpr std::size_t model_requests_waiting_max = 1'000;

// -- files and stores -----------------------------------------------------------------------------

inline constexpr std::size_t yaml_bytes_max = 1 * mib; ///< of one configuration, role or graph file
inline constexpr std::size_t yaml_depth_max = 64;      ///< lists and mappings within each other
inline constexpr std::uint64_t disk_free_bytes_min = 64 * mib; ///< below it nothing is written
inline constexpr std::size_t store_buffer_bytes = 4 * mib;     ///< RocksDB: unflushed writes
inline constexpr std::size_t store_cache_bytes = 4 * mib;      ///< RocksDB: blocks read
inline constexpr std::size_t blob_fetches_max = 256;   ///< different blobs on their way at once
inline constexpr std::size_t blob_waiters_max = 1'024; ///< requests that wait for one blob

// -- supervision ------------------------------------------------------------------------------------

inline constexpr std::uint32_t restart_intensity = 5;
inline constexpr auto restart_period = 10s;
inline constexpr auto stop_timeout = 5s;

// -- telemetry ----------------------------------------------------------------------------------------

inline constexpr std::size_t spans_kept_max = 20'000;   ///< by a node, for `troupe trace`
inline constexpr std::size_t spans_queued_max = 16'384; ///< for the exporter
inline constexpr std::size_t spans_per_export = 512;
inline constexpr std::size_t otlp_answer_bytes_max = 4 * mib;

} // namespace troupe::limits
