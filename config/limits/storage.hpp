#pragma once

#include "config/limits/units.hpp"

/// Files and stores.
namespace troupe::limits {

inline constexpr std::size_t yaml_bytes_max = 1 * mib; ///< of one configuration, role or graph file
inline constexpr std::size_t yaml_depth_max = 64;      ///< lists and mappings within each other
inline constexpr std::uint64_t disk_free_bytes_min = 64 * mib;  ///< below this nothing is written
inline constexpr std::size_t store_buffer_bytes = 4 * mib;      ///< RocksDB: unflushed writes
inline constexpr std::size_t store_cache_bytes = 4 * mib;       ///< RocksDB: blocks read
inline constexpr std::uint64_t disk_free_bytes_last = 16 * mib; ///< below this nothing is deleted
inline constexpr std::size_t small_blob_bytes_max =
    32 * kib; ///< larger ones are files of their own
/// A blob that nobody names is kept this long after its last use (`storage.blob_keep`): time for an
/// hour of uploading, and then the longest message.
inline constexpr auto blob_keep = 2h;
/// A blob that an agent is about to name is kept at least this long: longer than it takes to write
/// the agent's state.
inline constexpr auto blob_named_within = 5min;
inline constexpr std::size_t state_batch_bytes_max = 8 * mib; ///< of states, gathered for one write
inline constexpr std::size_t state_whole_bytes_max = 4 * kib; ///< it is written whole
/// Of a larger state so many changes, and that many bytes of them, lie beside it.
inline constexpr std::size_t state_changes_max = 64;
inline constexpr std::size_t state_changes_bytes_max = 64 * kib;
/// Messages of one agent that were begun and are not done, and their steps: those that began first
/// go.
inline constexpr std::size_t open_messages_max = 64;
inline constexpr std::size_t open_messages_bytes_max = 16 * mib;
inline constexpr int blob_keep_parts = 8; ///< a use is noted, and a sweep begun, that many times
inline constexpr std::size_t held_value_depth_max = 128; ///< searched for what a run names
inline constexpr auto blob_sweep_pause_min = 100ms;
inline constexpr std::size_t blob_sweep_step = 1'000; ///< blobs looked at in one step
inline constexpr std::size_t blobs_per_message_max = 10'000;
inline constexpr std::size_t upload_batch_documents_max = 256; ///< in one message of a client
inline constexpr std::size_t upload_batch_bytes_aim = 1 * mib; ///< the same, unless one is larger
inline constexpr std::size_t upload_bytes_on_their_way_max = 8 * mib; ///< not yet stored
inline constexpr auto blob_gather_time = 1ms; ///< blobs that come meanwhile share a sync
inline constexpr std::size_t blob_batch_bytes_max = 64 * mib; ///< gathered for one write
inline constexpr std::size_t blob_keep_fetches_max = 64;      ///< on their way for one BlobsKeep
inline constexpr std::size_t blob_keeps_at_once_max = 3;      ///< BlobsKeep whose blobs are
inline constexpr std::size_t blob_keeps_max = 64;             ///< BlobsKeep that wait
inline constexpr std::uint64_t blob_deliver_bytes_aim = 64 * mib; ///< handed out in one step
inline constexpr std::size_t blob_fetches_max = 256; ///< different blobs on their way at once
inline constexpr std::size_t blob_waiters_max =
    1'024; ///< requests that wait for blobs on their way

/// Below this a node takes nothing new: no runs, no documents (`storage.free_min`).
inline constexpr std::uint64_t storage_free_bytes_min = 256 * mib;
inline constexpr auto journal_retention =
    7 * 24h; ///< of runs that have ended (`journal.retention`)
/// What is written without a sync is on disk within twice this time.
inline constexpr auto journal_unsynced_time = 50ms;
inline constexpr std::size_t journal_batch_bytes_max = 8 * mib; ///< of events, for one write
inline constexpr std::size_t journal_event_bytes_max = 128 * mib;
inline constexpr std::size_t journal_payload_bytes_min =
    64 * kib; ///< larger events are not in their records
inline constexpr std::size_t journal_read_bytes_max = 4 * mib;     ///< of events in one answer
inline constexpr std::size_t journal_list_max = 1'000;             ///< runs in one answer
inline constexpr std::size_t journal_list_looked_at_max = 100'000; ///< to find them
inline constexpr std::size_t journal_tails_max = 100'000;   ///< runs whose last record is in memory
inline constexpr auto journal_cut_every = 1min;             ///< looked for runs that are too old
inline constexpr std::size_t journal_cut_runs_max = 100;    ///< in one step
inline constexpr auto journal_cut_pause = 10ms;             ///< between two such steps
inline constexpr std::size_t journal_damage_told_max = 100; ///< by `troupe journal`
inline constexpr std::size_t run_id_bytes = 16;

inline constexpr std::size_t heap_block_bytes_max =
    1 * mib; ///< larger ones are taken from the system and given back alone
inline constexpr std::size_t heap_kept_bytes_max = 8 * mib; ///< free at the end of a heap

} // namespace troupe::limits
