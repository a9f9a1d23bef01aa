#pragma once

#include "config/providers.hpp"

namespace troupe {

/// What the spans of a node's agents need to know of its configuration. One for all agents.
struct span_terms {
  bool contents = false; ///< prompts and answers are to be seen (telemetry.contents)
  /// What the names of models stand for: so a span names the provider from its beginning, also if
  /// no answer comes.
  models_catalog models = {};
};

} // namespace troupe
