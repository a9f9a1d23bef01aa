#pragma once

#include "messages/errors.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace troupe {

inline constexpr unsigned too_many_requests = 429; ///< the HTTP status

/// How one attempt of a call ended, as far as the next one depends on it.
struct attempt_failure {
  failure why;
  unsigned status = 0;  ///< of HTTP; 0: no answer came
  bool was_sent = true; ///< false: the request was not written, or never left
  /// What the provider said of when to come back (`Retry-After`).
  std::optional<std::chrono::nanoseconds> retry_after;
};

/// Whether a failed call may be tried again, and where.
enum class retry_choice : std::uint8_t {
  never,     ///< the request is wrong, or nobody waits for it: every other would fail as well
  elsewhere, ///< this model will fail again, another may answer
  anywhere,  ///< it may pass: the same model after a pause, or another
};

/// A model call has no effect but its cost, so what was sent may be sent again.
///
/// | failure | |
/// |---|---|
/// | 408, 409, 425, 429, 5xx, no connection, an answer that broke off | anywhere |
/// | key refused, no such model, too long for it, cannot be said in its API | elsewhere |
/// | 400, 422: the request is wrong | never |
/// | cancelled, the caller's time is over | never |
retry_choice choose_retry(const attempt_failure& of);

/// Whether it says that the model or its provider is ill, for its circuit breaker, or that there is
/// no such model there. Being asked too often (429) does not: that is for its pace; nor does a
/// wrong request or a refused key.
bool is_illness(const attempt_failure& of);

} // namespace troupe
