#pragma once

#include "config/limits/simulate.hpp"
#include "nodes/simulate/latency.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What goes wrong with a call, on purpose.
enum class simulated_fault : std::uint8_t {
  none,
  unauthorized,   ///< 401
  forbidden,      ///< 403
  rate_limited,   ///< 429 with Retry-After
  server_error,   ///< 500
  unavailable,    ///< 503
  overloaded,     ///< 529, as Anthropic says it
  hang,           ///< there is no answer, for as long as the client waits
  reset,          ///< the connection is reset before the answer
  reset_stream,   ///< ... within it, after `after` pieces
  cut_body,       ///< the connection ends within the answer, after `after` pieces
  stream_error,   ///< the stream tells of an error after `after` pieces, and ends
  malformed_json, ///< the answer, or the piece after `after` others, is no JSON
  malformed_sse,  ///< an empty line within the data of an event; else as malformed_json
  slow_drip,      ///< a byte at a time
  wrong_type,     ///< a page of HTML, with status 200
  huge_answer,    ///< far more text than anybody asked for
};
std::string_view to_string(simulated_fault fault);

/// How a call is answered. Rules, request headers and the command line use the same keys and the
/// same words for the values:
///
///     latency            a time or a distribution (latency.hpp), until the answer begins
///     between            the same, between two pieces of a stream
///     tokens_per_second  another way to say `between`; an answer at once waits for all its tokens
///     output_tokens      N or MIN-MAX
///     cached_tokens      the share of the input that was in the provider's cache, 0 to 1, instead
///                        of what prompt_cache.hpp says
///     reply              the text of the answer; {question} in it is the user's last message
///     tool_calls         how many tools are called, whatever the request says
///     refusal            true: the model declines
///     fault              one of the names above
///     after              of the fault: the pieces before it
///     retry_after        of the fault: a time
///     bytes              the size of a huge answer
struct behaviour {
  latency first;
  latency between;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> output_tokens;
  std::optional<double> cached_share;
  std::optional<std::string> reply;
  std::optional<std::uint64_t> tool_calls;
  bool refusal = false;
  simulated_fault fault = simulated_fault::none;
  std::uint64_t after = 3;
  std::chrono::milliseconds retry_after = limits::simulate_retry_after;
  std::uint64_t bytes = limits::simulate_huge_bytes;
};

/// The keys that `set_behaviour` knows.
const std::vector<std::string_view>& behaviour_keys();

/// Sets what the key means. Returns what is wrong with the value; empty if nothing is. The key must
/// be one of `behaviour_keys`.
std::string set_behaviour(behaviour& of, std::string_view key, std::string_view value);

} // namespace troupe
