#include "messages/errors.hpp"

#include <array>

namespace troupe {

namespace {

constexpr std::array table{
    error_info{ec::none, "none", "OK", 200, false},
    error_info{ec::invalid_argument, "invalid_argument", "INVALID_ARGUMENT", 400, false},
    error_info{ec::not_found, "not_found", "NOT_FOUND", 404, false},
    error_info{ec::unknown_role, "unknown_role", "NOT_FOUND", 404, false},
    error_info{ec::unknown_model, "unknown_model", "NOT_FOUND", 404, false},
    error_info{ec::too_large, "too_large", "INVALID_ARGUMENT", 413, false},
    error_info{ec::overloaded, "overloaded", "RESOURCE_EXHAUSTED", 503, true},
    error_info{ec::unavailable, "unavailable", "UNAVAILABLE", 503, true},
    error_info{ec::timed_out, "timed_out", "DEADLINE_EXCEEDED", 504, false},
    error_info{ec::cancelled, "cancelled", "CANCELLED", 499, false},
    error_info{ec::outcome_unknown, "outcome_unknown", "UNKNOWN", 500, false},
    error_info{ec::bad_message, "bad_message", "DATA_LOSS", 400, false},
    error_info{ec::refused, "refused", "PERMISSION_DENIED", 403, false},
    error_info{ec::storage_failed, "storage_failed", "INTERNAL", 500, false},
    error_info{ec::agent_failed, "agent_failed", "INTERNAL", 500, true},
    error_info{ec::provider_failed, "provider_failed", "INTERNAL", 502, true},
    error_info{ec::task_failed, "task_failed", "ABORTED", 500, false},
    error_info{ec::nondeterminism, "nondeterminism", "INTERNAL", 500, false},
};

constexpr bool ordered() {
  for (std::size_t i = 0; i < table.size(); ++i)
    if (static_cast<std::size_t>(table[i].code) != i)
      return false;
  return true;
}
static_assert(ordered(), "info() finds a code by its number");

} // namespace

const error_info& info(ec code) { return table.at(static_cast<std::size_t>(code)); }

std::string_view to_string(ec code) { return info(code).name; }

std::optional<ec> to_error_code(std::uint32_t number) {
  if (number >= table.size())
    return std::nullopt;
  return static_cast<ec>(number);
}

} // namespace troupe
