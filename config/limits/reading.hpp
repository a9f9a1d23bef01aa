#pragma once

#include "config/limits/units.hpp"

/// Work on documents: how much at once, and what is kept of it.
namespace troupe::limits {

inline constexpr std::size_t reading_threads_max = 8; ///< of one node; never more than its cores
inline constexpr std::size_t reading_requests_max = 10'000;          ///< at once, then `overloaded`
inline constexpr std::size_t reading_requests_bytes_max = 256 * mib; ///< of those requests
inline constexpr auto reading_request_time_max = std::chrono::minutes{10}; ///< asked without a time
/// A document up to this size is read on the service's own thread: a job for the pool would cost as
/// much.
inline constexpr std::size_t reading_at_once_bytes_max = 16 * kib;
/// Memory that work on a document may take, including its text, as a multiple of its size.
inline constexpr std::size_t reading_memory_factor = 4;
/// Documents up to this size have room of their own: they do not wait behind large ones.
inline constexpr std::size_t small_document_bytes_max = 256 * kib;
inline constexpr std::size_t small_documents_memory_max = 16 * mib;
inline constexpr std::size_t large_documents_memory_max = 128 * mib; ///< one of the largest
/// For documents that nobody is working on: the last used ones, for the next question.
inline constexpr std::size_t documents_kept_bytes_max = 64 * mib;
inline constexpr auto documents_kept = 60s;               ///< without a question
inline constexpr std::size_t documents_kept_max = 50'000; ///< of any size, in number
/// For one request that gathers from many: read as one job.
inline constexpr std::size_t gathering_batch_max = 64;
inline constexpr std::size_t gathering_batch_bytes_max = 1 * mib;
/// Concurrent requests that hold much memory besides documents; others wait.
inline constexpr std::size_t wide_requests_max = 4;
inline constexpr std::size_t reading_waits_told_max = 16; ///< of one request, in its trace
inline constexpr std::size_t ranked_texts_max = 262'143;  ///< texts of one index

} // namespace troupe::limits
