#include "actors/llm/failing/retry_choice.hpp"

namespace troupe {

namespace {

constexpr unsigned no_such_thing = 404, request_timeout = 408, conflict = 409, too_early = 425,
                   server_errors = 500, not_implemented = 501, version_not_supported = 505;

bool is_server_error(unsigned status) {
  return status >= server_errors && status != not_implemented && status != version_not_supported;
}

} // namespace

retry_choice choose_retry(const attempt_failure& of) {
  switch (of.status) {
    case request_timeout:
    case conflict:
    case too_early:
      return retry_choice::anywhere;
    default:
      break;
  }
  switch (of.why.code) {
    case ec::overloaded:
    case ec::unavailable:
    case ec::provider_failed:
    case ec::timed_out: // of the provider; the plan knows the caller's time
    case ec::outcome_unknown:
      return of.status == 0 || of.status < request_timeout || of.status == too_many_requests
                     || is_server_error(of.status)
                 ? retry_choice::anywhere
                 : retry_choice::elsewhere;
    case ec::invalid_argument:
      return of.was_sent ? retry_choice::never : retry_choice::elsewhere;
    case ec::unknown_model:
    case ec::too_large:
    case ec::refused:
    case ec::not_found:
      return retry_choice::elsewhere;
    case ec::none:
    case ec::unknown_role:
    case ec::cancelled:
    case ec::bad_message:
    case ec::storage_failed:
    case ec::agent_failed:
    case ec::task_failed:
    case ec::nondeterminism:
      return retry_choice::never;
  }
  return retry_choice::never;
}

bool is_illness(const attempt_failure& of) {
  if (!of.was_sent || of.status == too_many_requests)
    return false;
  if (of.why.code == ec::overloaded && !is_server_error(of.status))
    return false; // of this node
  return choose_retry(of) == retry_choice::anywhere
         || (of.status == no_such_thing && of.why.code == ec::unknown_model);
}

} // namespace troupe
