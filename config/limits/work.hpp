#pragma once

#include "config/limits/units.hpp"

/// Agents, documents, models, tasks and runs.
namespace troupe::limits {

inline constexpr std::size_t agents_active_max = 1'000'000;
inline constexpr auto agent_idle = 60s; ///< then an agent leaves memory (`agents.idle`)
/// Share of the idle time: an agent leaves at most this much later than it may.
inline constexpr int agent_idle_parts = 8;
inline constexpr auto agent_idle_tick_min = 50ms;
inline constexpr std::size_t agents_asked_to_rest_max = 1'024;  ///< in one step, and at once
inline constexpr std::size_t agents_left_to_give_back = 10'000; ///< then memory is given back
inline constexpr std::size_t agent_inbox_max = 1'024; ///< messages that wait while an agent is busy
/// Messages from several steps of one batch that leave together: with more, the next actor or link
/// has nothing to do meanwhile.
inline constexpr std::size_t outputs_gathered_max = 16;
inline constexpr std::size_t agent_state_bytes_max = 1 * mib;
inline constexpr std::size_t agent_asks_pending_max =
    64; ///< concurrent model calls and blobs of one message
inline constexpr std::size_t agent_asks_max =
    20'000; ///< model calls and blobs of one message in all
inline constexpr std::size_t passage_bytes_aim =
    1'200; ///< documents are cut into passages of about this size
inline constexpr std::size_t prompt_passages_bytes_max =
    48 * kib; ///< in one prompt that asks for an answer
/// Of text given directly, in messages and inputs: longer text is given as documents.
inline constexpr std::size_t prompt_text_bytes_max = 1 * mib;
inline constexpr std::size_t summary_passages_bytes_max =
    24 * kib; ///< in one that asks for a summary
inline constexpr std::size_t gathered_bytes_max =
    4 * mib; ///< of passages of many documents before ranking
inline constexpr std::size_t documents_fetched_at_once_max = 4; ///< by one agent
inline constexpr std::size_t central_words_max =
    24; ///< a document's most used words, which say what it is about
inline constexpr std::size_t directory_shards = 16;
inline constexpr std::size_t pool_size = 10; ///< anonymous agents of one role on one node
inline constexpr std::size_t queue_tasks_max = 10'000;
inline constexpr std::size_t runs_max = 1'000;
inline constexpr std::size_t run_tasks_max = 100'000;
inline constexpr std::uint32_t task_attempts_max = 10;
inline constexpr std::uint32_t task_attempts = 3; ///< if a graph does not say
inline constexpr auto task_timeout = 10min;
inline constexpr std::size_t recorded_roles_kept_max = 64; ///< of durable runs, read by a node
inline constexpr std::size_t document_bytes_max = 32 * mib;
/// Of blobs that one other node is asked for at once: its answers must fit into its link.
inline constexpr std::size_t blob_asked_bytes_max = 32 * mib;
inline constexpr std::size_t documents_max = 10'000;
inline constexpr std::size_t folder_bytes_max = 512 * mib;
inline constexpr std::size_t folder_entries_max = 200'000; ///< examined in one folder tree
inline constexpr std::size_t folder_depth_max = 32;
inline constexpr std::size_t skipped_notes_max =
    1'000; ///< files of a folder that are left out, by name
inline constexpr std::size_t blob_memory_bytes_max = 32 * mib;
inline constexpr std::size_t blob_in_memory_bytes_max = 1 * mib; ///< of one that is kept there
inline constexpr std::size_t model_requests_waiting_max = 1'000;
inline constexpr std::size_t sentence_bytes_max = 4 * kib; ///< a longer one is cut at a space
inline constexpr std::size_t word_bytes_max = 64; ///< what is longer counts by its beginning
inline constexpr std::size_t model_passages_read_max =
    256; ///< scored sentence by sentence, of one request
inline constexpr std::size_t question_terms_max =
    256; ///< different words that a question asks about; further words do not count
inline constexpr std::size_t model_quotes_max = 20; ///< in one answer, sentences of a summary too
inline constexpr std::size_t model_quote_bytes_max = 1 * kib; ///< one quotation with its list
inline constexpr std::size_t graph_tasks_max = 10'000; ///< as written, before any for_each unfolds
inline constexpr auto run_progress_interval = 50ms;    ///< at most this often to a run's submitter
inline constexpr auto task_deadline_slack =
    2s; ///< beyond a task's time; then nobody waits for its node
inline constexpr std::size_t offer_bytes_aim = 1 * mib; ///< of one batch of tasks for another node
inline constexpr auto offer_backoff_min = 20ms; ///< how long a node with a full queue is left alone
inline constexpr auto offer_backoff_max = 1s;
inline constexpr auto placement_patience = 30s;     ///< for a node that hosts the role to come up
inline constexpr std::size_t desk_queries_max = 64; ///< that wait for other nodes at once
inline constexpr auto desk_query_timeout = 1s;
inline constexpr std::size_t roles_page_bytes_aim = 256 * kib; ///< of one answer to RolesQuery
inline constexpr std::size_t roles_pages_max = 1'024;          ///< that a client asks for
inline constexpr std::size_t status_runs_max = 20; ///< of one node, that its status lists

} // namespace troupe::limits
