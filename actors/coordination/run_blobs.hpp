#pragma once

#include "actors/coordination/graph_inputs.hpp"
#include "actors/logic.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace troupe {

/// The blobs that the inputs of runs name. A node deletes a blob that has not been needed for a
/// time (actors/storage/blob_collector.hpp). So the owner of a run tells the nodes that hold its
/// blobs that it needs them: when the run begins, at intervals, and when it ends. A run whose owner
/// is gone holds nothing, unless it is durable: then its blobs are on the owner's disk
/// (input_blobs), and the journal there names them.
class run_blobs {
public:
  run_blobs(std::uint32_t timer, std::chrono::nanoseconds every) : timer_(timer), every_(every) {}

  void began(step_context& context, const address& self, run_id run, const value_map& inputs);
  void ended(step_context& context, const address& self, run_id run);
  /// The timer has fired.
  void renew(step_context& context, const address& self);

private:
  using by_holder = std::map<node_id, std::vector<std::string>>;

  static void tell(step_context& context, const address& self, const by_holder& blobs);

  std::uint32_t timer_;
  std::chrono::nanoseconds every_;
  std::map<run_id, by_holder> runs_; ///< those that name blobs
};

} // namespace troupe
