#pragma once

#include "config/limits/units.hpp"

/// What providers of models may answer (actors/llm).
namespace troupe::limits {

inline constexpr std::size_t sse_event_bytes_max = 1 * mib;
inline constexpr std::size_t quoted_bytes_max = 200; ///< of foreign bytes, in a message for people
inline constexpr std::size_t error_body_bytes_max = 64 * kib; ///< that is read; the rest is dropped
inline constexpr std::size_t json_depth_max = 128;            ///< lists and objects in each other
inline constexpr std::size_t image_bytes_max = 64 * mib;      ///< of one, before it is base64
inline constexpr std::size_t answer_choices_max = 128;
inline constexpr std::size_t answer_fields_max = 64;   ///< that Troupe does not know, of an answer
inline constexpr std::size_t answer_parts_max = 4'096; ///< blocks or tool calls of one answer
/// What Anthropic's API is told where the asker named no limit: it wants one, and every model of it
/// can do as many.
inline constexpr std::uint32_t anthropic_output_tokens = 4'096;
/// Of a request to Anthropic's API: `cache_control`.
inline constexpr std::size_t anthropic_cache_marks_max = 4;
/// None of its models keeps less than 1,024 tokens, some only twice or four times as many; few
/// texts have tokens of less than three bytes. A mark that comes too early is ignored there.
inline constexpr std::size_t anthropic_cache_bytes_min = 3 * kib;

} // namespace troupe::limits
