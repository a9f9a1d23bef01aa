#pragma once

#include "config/limits/units.hpp"

/// `troupe simulate`.
namespace troupe::limits {

inline constexpr std::size_t simulate_body_bytes_max = 64 * mib;
inline constexpr std::size_t simulate_json_depth_max = 128;
inline constexpr std::size_t simulate_connections_max = 65'536; ///< fewer if descriptors are few
inline constexpr std::size_t simulate_threads_max = 64;
/// A call that hangs, or a slow stream, is nothing unusual here.
inline constexpr auto simulate_answer_timeout = 24h;
inline constexpr auto simulate_write_timeout = 10min; ///< for a client that stops its stream
inline constexpr auto simulate_drain_timeout = 5s;    ///< at the first signal; the second ends it

// -- answers --------------------------------------------------------------------------------------

inline constexpr std::uint64_t simulate_output_tokens_min = 8; ///< unless somebody says otherwise
inline constexpr std::uint64_t simulate_output_tokens_usual_max = 32;
inline constexpr std::uint64_t simulate_output_tokens_max = 1'000'000;
inline constexpr std::uint64_t simulate_choices_max = 128;
inline constexpr std::uint64_t simulate_top_logprobs_max = 20; ///< of each token
inline constexpr std::uint64_t simulate_tool_calls_max = 128;
inline constexpr std::size_t simulate_dimensions_max = 4'096;
inline constexpr std::size_t simulate_inputs_max = 2'048; ///< of one embeddings request
inline constexpr std::size_t simulate_schema_depth_max = 16;
inline constexpr std::uint64_t simulate_huge_bytes = 200 * mib; ///< of a huge answer
inline constexpr std::size_t simulate_write_bytes = 16 * kib;   ///< of a stream without pauses

// -- prompt caches --------------------------------------------------------------------------------

inline constexpr std::uint64_t simulate_cache_tokens_min = 1'024;    ///< shorter ones are not kept
inline constexpr std::uint64_t simulate_cache_tokens_step = 128;     ///< of OpenAI's
inline constexpr std::size_t simulate_cache_marks_max = 4;           ///< of Anthropic's
inline constexpr std::size_t simulate_cache_blocks_back = 20;        ///< that a mark looks at
inline constexpr auto simulate_cache_lifetime = 5min;                ///< after the last use
inline constexpr std::size_t simulate_cache_entries_max = 1'000'000; ///< then the oldest go

// -- faults ---------------------------------------------------------------------------------------

inline constexpr auto simulate_retry_after = 1s;
inline constexpr auto simulate_drip = 100ms; ///< between two bytes
/// Of the calls of a question that are counted, for rules with `first` and `share`; then the oldest
/// are forgotten.
inline constexpr std::size_t simulate_questions_max = 1'000'000;

// -- limits ---------------------------------------------------------------------------------------

inline constexpr std::size_t simulate_limited_keys_max = 10'000; ///< then all begin anew
inline constexpr std::uint64_t simulate_per_minute_max = 1'000'000'000;

// -- the ledger -----------------------------------------------------------------------------------

inline constexpr std::size_t ledger_page_bytes = 64 * kib; ///< read at once to be shown

} // namespace troupe::limits
