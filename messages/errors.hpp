#pragma once

#include "config/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// What can go wrong, as far as a caller would act on it. Values are never reused.
enum class ec : std::uint8_t {
  none = 0,
  invalid_argument = 1, ///< the request is wrong; repeating it does not help
  not_found = 2,        ///< no such run, trace, blob
  unknown_role = 3,     ///< no node of the cluster hosts that role
  unknown_model = 4,    ///< no provider has that model
  too_large = 5,        ///< a payload, state or document beyond its limit
  overloaded = 6,       ///< a bounded queue is full: try again later
  unavailable = 7,      ///< the node that holds it is down
  timed_out = 8,        ///< there was no time left
  cancelled = 9,        ///< somebody asked it to stop
  outcome_unknown = 10, ///< it may or may not have been done
  bad_message = 11,     ///< bytes that are not what they claim to be
  refused = 12,         ///< the asker is not one of ours, or may not send that (contracts.hpp)
  storage_failed = 13,  ///< the disk did not do what it was asked to do
  agent_failed = 14,    ///< the agent ended with a fault of its own
  provider_failed = 15, ///< the model's provider answered with an error
  task_failed = 16,     ///< a task of the run failed in all its attempts
  nondeterminism = 17,  ///< a mind asked otherwise than in an earlier attempt at its task
};

/// An error with the words that a person needs: what, where, what to do.
struct failure {
  ec code = ec::none;
  std::string message;
};

template <class T>
using result = outcome<T, failure>;

inline unexpected<failure> fail(ec code, std::string message) {
  return {failure{code, std::move(message)}};
}

/// One line of the error table (messages/errors.cpp).
struct error_info {
  ec code;
  std::string_view name;      ///< as in logs and JSON
  std::string_view grpc_name; ///< https://grpc.io/docs/guides/status-codes
  std::uint16_t http_status;
  bool may_retry; ///< the same request may succeed later
};

const error_info& info(ec code);
std::string_view to_string(ec code);

/// The code for a number from the wire; nothing if this version does not know the number.
std::optional<ec> to_error_code(std::uint32_t number);

} // namespace troupe
