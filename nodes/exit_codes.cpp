#include "nodes/exit_codes.hpp"

namespace troupe {

int exit_code_of(ec code) {
  switch (code) {
    case ec::none:
      return exit_ok;
    case ec::invalid_argument:
    case ec::unknown_role:
      return exit_usage;
    case ec::overloaded:
    case ec::unavailable:
    case ec::refused:
      return exit_unavailable;
    case ec::timed_out:
      return exit_timed_out;
    case ec::cancelled:
      return exit_interrupted;
    case ec::outcome_unknown:
      return exit_outcome_unknown;
    case ec::not_found:
    case ec::unknown_model:
    case ec::too_large:
    case ec::bad_message:
    case ec::storage_failed:
    case ec::agent_failed:
    case ec::provider_failed:
    case ec::task_failed:
    case ec::nondeterminism:
      return exit_failed;
  }
  return exit_failed;
}

int exit_code_of_files(ec code) {
  if (code == ec::storage_failed)
    return exit_cannot_write;
  return code == ec::bad_message ? exit_damaged : exit_code_of(code);
}

} // namespace troupe
