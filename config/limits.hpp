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
inline constexpr std::size_t link_bytes_max = 64 * mib; ///< waiting in one link, then `overloaded`
/// Beyond that, for what nobody would send again: replies, and events to services and clients. A
/// link that is that full is closed: its peer does not take what it asked for.
inline constexpr std::size_t link_reserve_bytes = payload_bytes_max;
inline constexpr std::size_t link_assembling_bytes_max =
    link_bytes_max + link_reserve_bytes; ///< chunks not yet complete
inline constexpr std::size_t link_routes_max = 65'536;
inline constexpr std::size_t link_streams_max = 1'024; ///< payloads that come in chunks at once
inline constexpr std::size_t link_unanswered_max =
    10'000; ///< requests of clients that a link relays
inline constexpr std::size_t link_unsent_bytes_aim = 512 * kib; ///< handed to the socket at once
inline constexpr auto link_tick = 250ms;
inline constexpr std::size_t hello_bytes_max =
    64 * kib; ///< all that an unproven connection may send
inline constexpr std::size_t link_read_bytes = 256 * kib; ///< of a proven connection at once
inline constexpr std::size_t unproven_read_bytes = 4 * kib;
inline constexpr auto hello_deadline = 5s;
inline constexpr std::size_t unproven_connections_max = 128;
inline constexpr auto ping_after_silence = 500ms;
inline constexpr auto suspect_after_silence = 2s;
inline constexpr auto down_after_silence = 5s;
inline constexpr auto client_silence_max = 30s;
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
inline constexpr std::size_t replies_kept_bytes_max = 4 * mib; ///< by one agent, for all senders

// -- agents, tasks, runs --------------------------------------------------------------------------

inline constexpr std::size_t agents_active_max = 1'000'000;
inline constexpr std::size_t agent_inbox_max = 1'024; ///< messages that wait while an agent is busy
inline constexpr std::size_t thread_inbox_max =
    10'000; ///< messages that wait for a logic with its own thread
/// Messages of several steps of one batch that leave together: with more, what is behind this actor
/// (another one, a link) has nothing to do meanwhile.
inline constexpr std::size_t outputs_gathered_max = 16;
inline constexpr std::size_t agent_state_bytes_max = 1 * mib;
inline constexpr std::size_t agent_asks_pending_max =
    64; ///< model calls and blobs of one message at once
inline constexpr std::size_t agent_asks_max =
    20'000; ///< model calls and blobs of one message in all
inline constexpr std::size_t passage_bytes_aim =
    1'200; ///< documents are cut into passages of about that
inline constexpr std::size_t prompt_passages_bytes_max =
    48 * kib; ///< in one prompt that asks for an answer
inline constexpr std::size_t summary_passages_bytes_max =
    24 * kib; ///< in one that asks for a summary
inline constexpr std::size_t gathered_bytes_max =
    4 * mib; ///< of passages of many documents before ranking
inline constexpr std::size_t documents_fetched_at_once_max = 4; ///< by one agent
inline constexpr std::size_t central_words_max =
    24; ///< a document's most used, that say what it is about
inline constexpr std::size_t directory_shards = 16;
inline constexpr std::size_t pool_size = 10; ///< anonymous agents of one role on one node
inline constexpr std::size_t queue_tasks_max = 10'000;
inline constexpr std::size_t runs_max = 1'000;
inline constexpr std::size_t run_tasks_max = 100'000;
inline constexpr std::uint32_t task_attempts_max = 10;
inline constexpr std::uint32_t task_attempts = 3; ///< where a graph says nothing
inline constexpr auto task_timeout = 10min;
inline constexpr std::size_t document_bytes_max = 32 * mib;
/// Of blobs that one other node is asked for at once: what it answers must fit into its link.
inline constexpr std::size_t blob_asked_bytes_max = 32 * mib;
inline constexpr std::size_t documents_max = 10'000;
inline constexpr std::size_t folder_bytes_max = 512 * mib;
inline constexpr std::size_t folder_entries_max = 200'000; ///< looked at in one folder tree
inline constexpr std::size_t folder_depth_max = 32;
inline constexpr std::size_t skipped_notes_max =
    1'000; ///< files of a folder that are left out, by name
inline constexpr std::size_t blob_memory_bytes_max = 64 * mib;
inline constexpr std::size_t model_requests_waiting_max = 1'000;
inline constexpr std::size_t sentence_bytes_max = 4 * kib; ///< a longer one is cut at a space
inline constexpr std::size_t word_bytes_max = 64; ///< what is longer counts by its beginning
inline constexpr std::size_t model_passages_read_max =
    256;                                            ///< scored sentence by sentence, of one request
inline constexpr std::size_t model_quotes_max = 20; ///< in one answer, sentences of a summary too
inline constexpr std::size_t model_quote_bytes_max = 1 * kib; ///< one quotation with its list
inline constexpr std::size_t graph_tasks_max = 10'000; ///< as written, before any for_each unfolds
inline constexpr auto run_progress_interval = 50ms;    ///< at most that often to a run's submitter
inline constexpr auto task_deadline_slack =
    2s; ///< beyond a task's time, then its node is not waited for
inline constexpr std::size_t offer_bytes_aim = 1 * mib; ///< of one batch of tasks for another node
inline constexpr auto offer_backoff_min = 20ms; ///< a node whose queue was full is left alone
inline constexpr auto offer_backoff_max = 1s;
inline constexpr auto placement_patience = 30s;     ///< for a node that hosts the role to come up
inline constexpr std::size_t desk_queries_max = 64; ///< that wait for other nodes at once
inline constexpr auto desk_query_timeout = 1s;
inline constexpr std::size_t status_runs_max = 20; ///< of one node, that its status lists

// -- files and stores -----------------------------------------------------------------------------

inline constexpr std::size_t yaml_bytes_max = 1 * mib; ///< of one configuration, role or graph file
inline constexpr std::size_t yaml_depth_max = 64;      ///< lists and mappings within each other
inline constexpr std::uint64_t disk_free_bytes_min = 64 * mib; ///< below it nothing is written
inline constexpr std::size_t store_buffer_bytes = 4 * mib;     ///< RocksDB: unflushed writes
inline constexpr std::size_t store_cache_bytes = 4 * mib;      ///< RocksDB: blocks read
inline constexpr std::size_t blob_fetches_max = 256; ///< different blobs on their way at once
inline constexpr std::size_t blob_waiters_max =
    1'024; ///< requests that wait for blobs on their way
inline constexpr std::uint64_t blob_waiting_bytes_max = 256 * mib; ///< what those will be given

// -- supervision ----------------------------------------------------------------------------------

inline constexpr std::uint32_t restart_intensity = 5;
inline constexpr auto restart_period = 10s;
inline constexpr std::size_t failed_agents_kept_max = 1'024; ///< whose failures are counted
inline constexpr auto stop_timeout = 5s;
inline constexpr std::uint32_t node_restart_intensity = 5; ///< of one node process by `troupe up`
inline constexpr auto node_restart_period = 60s;
inline constexpr auto node_restart_backoff_min = 50ms;
inline constexpr auto node_restart_backoff_max = 5s;
inline constexpr auto node_ready_timeout = 30s;
inline constexpr auto node_stop_timeout = 10s;
inline constexpr std::size_t node_ready_line_bytes_max = 64 * kib;

// -- telemetry ------------------------------------------------------------------------------------

inline constexpr std::size_t spans_kept_max = 20'000;   ///< by a node, for `troupe trace`
inline constexpr std::size_t spans_queued_max = 16'384; ///< for the exporter
inline constexpr std::size_t spans_per_export = 512;
inline constexpr std::size_t otlp_answer_bytes_max = 4 * mib;
inline constexpr auto otlp_connect_timeout = 2s;
inline constexpr auto otlp_request_timeout = 10s;
inline constexpr std::uint32_t otlp_attempts_max = 6; ///< of one batch, then it is dropped
inline constexpr auto otlp_backoff_min = 100ms;
inline constexpr auto otlp_backoff_max = 5s;
inline constexpr auto otlp_retry_after_max =
    10min; ///< a collector that asks for more is asked again then
inline constexpr auto otlp_flush_at_exit = 2s;
inline constexpr std::size_t log_lines_queued_max = 1'024;
inline constexpr std::size_t log_file_bytes_max = 64 * mib; ///< then it is log.1.jsonl, ...
inline constexpr std::size_t log_files_kept = 3;            ///< beside the one that is written
inline constexpr std::size_t log_line_bytes_max = 8 * kib;
inline constexpr std::size_t metric_series_max = 10'000; ///< label sets of one family; then `other`
inline constexpr std::size_t metric_label_bytes_max = 128;

// -- the small HTTP listener of /metrics and /health ----------------------------------------------

inline constexpr std::size_t http_header_bytes_max = 8 * kib;
inline constexpr std::size_t http_connections_max = 64;
inline constexpr auto http_header_timeout = 10s;
inline constexpr auto http_keep_alive = 60s;
inline constexpr auto http_write_timeout = 30s;
inline constexpr std::uint32_t http_requests_per_connection_max = 10'000;
inline constexpr auto http_accept_pause = 100ms; ///< when no file descriptor is free
inline constexpr auto http_linger = 2s;          ///< for the peer to read the last answer and close
inline constexpr std::size_t http_linger_bytes_max = 64 * kib;

} // namespace troupe::limits
