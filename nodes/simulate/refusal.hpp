#pragma once

#include "nodes/simulate/behaviour.hpp"
#include "nodes/simulate/provider_request.hpp"

#include <string_view>

namespace troupe {

/// How a provider refuses: its status and its words.
struct refusal {
  simulated_fault fault;
  unsigned status;
  std::string_view openai_type, openai_code, anthropic_type, message;

  bool says_when() const noexcept { return status == 429 || status == 503 || status == 529; }
  request_error error(bool anthropic) const {
    request_error made;
    made.status = status;
    made.type = anthropic ? anthropic_type : openai_type;
    made.message = message;
    made.code = openai_code;
    return made;
  }
};

inline constexpr refusal refusals[] = {
    {simulated_fault::unauthorized, 401, "invalid_request_error", "invalid_api_key",
     "authentication_error", "Incorrect API key provided."},
    {simulated_fault::forbidden, 403, "invalid_request_error", "unsupported_country",
     "permission_error", "Your API key does not have permission to use this model."},
    {simulated_fault::rate_limited, 429, "requests", "rate_limit_exceeded", "rate_limit_error",
     "Rate limit reached for requests."},
    {simulated_fault::server_error, 500, "server_error", "", "api_error",
     "The server had an error while processing your request."},
    {simulated_fault::unavailable, 503, "server_error", "", "api_error",
     "The engine is currently overloaded, please try again later."},
    {simulated_fault::overloaded, 529, "server_error", "", "overloaded_error", "Overloaded"},
};

/// Null: the fault is no refusal.
inline const refusal* refusal_for(simulated_fault fault) {
  for (const auto& one : refusals)
    if (one.fault == fault)
      return &one;
  return nullptr;
}

} // namespace troupe
