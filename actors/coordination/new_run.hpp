#pragma once

#include "actors/coordination/graph_inputs.hpp"
#include "actors/coordination/run_fold.hpp"
#include "messages/runs.pb.h"

#include <string>
#include <vector>

namespace troupe {

/// A run to be begun, by a submission or by the wish to repeat another run.
struct new_run {
  Graph graph;
  value_map inputs;
  Durability durability = DURABILITY_DEFAULT;
  std::string key = {}, retry_of = {};
  std::vector<earlier_result> results = {}; ///< of the run that it repeats: they are not made again
  bool want_progress = false;
  bool has_blobs = false; ///< those of its inputs are on the owner's disk (input_blobs)
};

} // namespace troupe
