#pragma once

#include "actors/llm/pacing/limit_headers.hpp"
#include "config/providers.hpp"
#include "messages/errors.hpp"
#include "messages/models.pb.h"

#include <chrono>
#include <string>

namespace troupe::cli {

struct model_check {
  failure why; ///< none: it answered
  ModelAnswer answer;
  std::chrono::milliseconds took{0};
  limit_headers limits; ///< what the provider said of them
};

/// Makes the smallest call of that model from this process, with its provider's own settings, as a
/// node would make it. Ends early when `interrupt_fd` can be read.
model_check check_model(const models_catalog& all, const resolved_model& which, int interrupt_fd);

} // namespace troupe::cli
