#pragma once

#include "config/limits/units.hpp"

/// Calls of models' providers.
namespace troupe::limits {

inline constexpr std::size_t providers_max = 64;
inline constexpr std::size_t provider_models_max = 1'000; ///< that the configuration names
inline constexpr std::size_t provider_keys_max = 16;
inline constexpr std::uint32_t key_weight_max = 1'000;
inline constexpr std::size_t model_aliases_max = 1'000;
inline constexpr std::uint32_t provider_calls = 10; ///< at once, of one node (`calls_max`)
inline constexpr std::uint32_t provider_calls_max = 10'000;
/// Of one provider: beyond this, `overloaded`.
inline constexpr std::size_t provider_calls_waiting_max = 1'000;
inline constexpr auto provider_connect_timeout = 5s;
inline constexpr auto provider_first_timeout = 60s;   ///< from the request to the first byte
inline constexpr auto provider_between_timeout = 30s; ///< between two pieces
inline constexpr auto provider_total_timeout = 10min;
inline constexpr auto provider_timeout_max = 24h;
inline constexpr std::size_t model_answer_bytes_max = 32 * mib; ///< as it comes from the network

inline constexpr std::size_t embedding_inputs_max = 512;         ///< of one call
inline constexpr std::size_t embedding_text_bytes_max = 4 * mib; ///< of all its inputs
inline constexpr std::size_t piece_unit_bytes_max = 1 * mib;     ///< a longer line or value is cut
inline constexpr std::size_t provider_words_bytes_max = 300;     ///< kept of its last failure
inline constexpr std::size_t provider_prices_max = 1'000;        ///< that its configuration names
inline constexpr int price_age_days_max = 90; ///< then people are told to look again

/// Of one call, while the node has not taken what came before: then its transfer pauses.
inline constexpr std::size_t provider_kept_bytes_max = 256 * kib;

} // namespace troupe::limits
