#pragma once

#include "actors/host/interfaces.hpp"
#include "actors/host/node_host.hpp"
#include "nodes/wiring.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace troupe::bench {

/// A whole node in one thread: its tree as `wire` makes it, on CAF's scheduler for tests, with
/// stores in memory and no thread of its own for anything. What it does is the same in each run, so
/// its instructions can be counted. Timers do not fire.
class counted_node {
public:
  counted_node();
  ~counted_node();
  counted_node(const counted_node&) = delete;
  counted_node& operator=(const counted_node&) = delete;

  node_id self() const { return host_.post->self(); }
  /// Places a logic as that agent and lets it begin.
  void run_logic(std::string_view agent, std::unique_ptr<logic> mind);
  /// Works until nothing is left to do.
  void work();

private:
  struct no_traces final : trace_source {
    std::vector<SpanData> spans_of(trace_id) const override { return {}; }
    std::optional<trace_id> last_trace() const override { return std::nullopt; }
  };

  node_parts make_parts();
  caf::scheduler::test_coordinator& jobs();

  no_traces traces_;
  node_host host_;
  caf::actor_system_config config_;
  caf::actor_system system_;
  node_parts parts_;
  caf::actor top_;
  std::vector<logic_actor> placed_; ///< beside the tree
};

} // namespace troupe::bench
