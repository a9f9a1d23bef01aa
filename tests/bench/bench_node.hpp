#pragma once

#include "actors/cluster/acceptor.hpp"
#include "actors/cluster/dialler.hpp"
#include "actors/cluster/link_actor.hpp"
#include "nodes/wiring.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <memory>
#include <optional>

namespace troupe::bench {

/// A whole node in this process, wired as a real one, on memory stores and without files: what the
/// benchmarks drive from inside.
class bench_node {
public:
  /// `number` makes the id; a node with others listens on loopback, or dials.
  explicit bench_node(std::uint64_t number, std::vector<NodeInfo> others = {});
  ~bench_node();

  static node_id id_of(std::uint64_t number) { return {0x7265, number}; }
  std::string listen();
  void dial(std::uint64_t number, const std::string& place);
  /// Waits until all members are up; false after five seconds.
  bool wait_for_members();

  post& mail() { return *host_.post; }
  caf::actor_system& system() { return system_; }
  node_host& host() { return host_; }

private:
  struct no_traces : trace_source {
    std::vector<SpanData> spans_of(trace_id) const override { return {}; }
    std::optional<trace_id> last_trace() const override { return std::nullopt; }
  };

  caf::actor_system_config& configured();
  node_parts parts(std::uint64_t number, std::vector<NodeInfo> others);

  node_host host_;
  no_traces traces_;
  caf::actor_system_config cfg_;
  caf::actor_system system_;
  node_parts parts_;
  link_hub hub_;
  caf::actor top_;
  std::optional<acceptor> acceptor_;
  std::optional<dialler> dialler_;
};

NodeInfo info_of(std::uint64_t number);

} // namespace troupe::bench
