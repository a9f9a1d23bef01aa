#pragma once

#include "messages/name.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe {

class log_sink;

/// The counts of a node (FEATURES H2 and what `troupe status` shows). Thread-safe; every update is
/// one or two atomic operations. Label values are bounded: `agent_id` is a role or `role#slot`,
/// never a caller's text.
class metrics {
public:
  metrics();
  ~metrics();

  // -- agents and tasks ---------------------------------------------------------------------------

  /// agent_tasks_processed_total{agent_id,status,task_type} and agent_task_duration_seconds.
  void task_processed(std::string_view agent_id, bool ok, std::string_view task_type,
                      std::chrono::nanoseconds duration);
  /// The same in two steps, for those that count the same thing often: the series is looked up
  /// once, and is there as long as the metrics.
  struct task_series;
  task_series& tasks_of(std::string_view agent_id, bool ok, std::string_view task_type);
  static void add(task_series& processed, std::chrono::nanoseconds duration);
  /// A call of a model, as the histograms gen_ai.client.* tell calls apart.
  struct model_call {
    std::string_view model;
    std::string_view agent_id;
    std::string_view provider = {}; ///< as the configuration calls it
    bool embeds = false;            ///< `embeddings`, not `chat`
    std::string_view api = {};      ///< whose API it speaks: gen_ai.provider.name
  };
  /// Tokens of the input that the provider had in its cache, or has from now on.
  struct cached_input {
    std::uint64_t read;
    std::uint64_t written;
  };
  /// It was answered: llm_api_calls_total, llm_tokens_total{type}, llm_cached_tokens_total{type},
  /// llm_cost_usd_total, and gen_ai.client.token.usage and .operation.duration.
  void model_called(const model_call& which, std::uint64_t input_tokens,
                    std::uint64_t output_tokens, std::chrono::nanoseconds duration,
                    std::int64_t cost_nano_usd = 0, const cached_input& cached = {});
  /// It failed: llm_api_calls_total, llm_calls_failed_total{provider,reason}, and the duration with
  /// `error_type`.
  void model_failed(const model_call& which, std::string_view reason,
                    std::chrono::nanoseconds duration);
  /// A piece of its answer came, so long after the call began (the first one), or after the piece
  /// before: gen_ai.client.operation.time_to_first_chunk and .time_per_output_chunk.
  void model_piece(const model_call& which, bool first, std::chrono::nanoseconds after);
  /// llm_calls_running{provider} and llm_calls_waiting{provider}: as they are now.
  void provider_load(std::string_view provider, std::size_t running, std::size_t waiting);
  /// llm_limit_left{provider,type}: of what the provider lets this node ask in its time; `requests`
  /// or `tokens`.
  void provider_limit(std::string_view provider, std::string_view type, std::uint64_t left);
  /// llm_calls_held_back_total{provider}: a call whose turn it was had to wait for such a limit.
  void call_held_back(std::string_view provider);
  /// llm_calls_abandoned_total{reason}: `cancelled`, or `timed_out` when no time was left.
  void call_abandoned(std::string_view reason);
  /// troupe_safety_total{check,action}: found in what was asked of a model, or answered.
  void safety_found(std::string_view check, std::string_view action, std::uint64_t times);

  // -- the journal --------------------------------------------------------------------------------

  /// One sync of the journal: troupe_journal_syncs_total and troupe_journal_sync_duration_seconds.
  void journal_synced(std::chrono::nanoseconds duration);

  // -- messages -----------------------------------------------------------------------------------

  /// troupe_messages_unreadable_total{kind}: dropped or refused because nobody here can read them.
  void message_unread(std::string_view kind);

  // -- plain counts, read back by `troupe status` -------------------------------------------------

  struct counts {
    std::atomic<std::uint64_t> tasks_done{0};
    std::atomic<std::uint64_t> tasks_failed{0};
    std::atomic<std::uint64_t> tasks_running{0};
    std::atomic<std::uint64_t> queue_length{0};
    std::atomic<std::uint64_t> agents{0};
    std::atomic<std::uint64_t> blobs{0};           ///< on this node's disk
    std::atomic<std::uint64_t> blob_bytes{0};      ///< of those
    std::atomic<std::uint64_t> journal_records{0}; ///< written
    std::atomic<std::uint64_t> journal_bytes{0};   ///< the same, with their keys
    std::atomic<std::uint64_t> late_results{0};
    std::atomic<std::uint64_t> steps_unknown{0};
    std::atomic<std::uint64_t> envelopes_sent{0};
    std::atomic<std::uint64_t> envelopes_received{0};
    std::atomic<std::uint64_t> envelopes_expired{0};
    std::atomic<std::uint64_t> envelopes_overloaded{0}; ///< refused by full mailboxes
    std::atomic<std::uint64_t> envelopes_dropped{0};    ///< the same, with nobody to tell
    std::atomic<std::uint64_t> links_refused{0};
    std::atomic<std::uint64_t> messages_refused{0}; ///< against messages/contracts.hpp
    std::atomic<std::uint64_t> restarts{0};
    std::atomic<std::uint64_t> spans_dropped{0};
    std::atomic<std::uint64_t> spans_exported{0};
  };
  counts& plain() noexcept { return counts_; }

  /// From now on `to_text` adds the number of lines that the sink dropped.
  void watch_log(std::shared_ptr<const log_sink> log);

  /// Prometheus text format 0.0.4 of everything above, process figures included.
  std::string to_text() const;

private:
  struct impl;
  counts counts_;
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
