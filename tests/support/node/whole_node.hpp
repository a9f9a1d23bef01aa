#pragma once

#include "actors/cluster/acceptor.hpp"
#include "actors/cluster/dialler.hpp"
#include "actors/host/actor_runtime.hpp"
#include "actors/host/link_broker.hpp"
#include "messages/cluster.pb.h"
#include "messages/spans.pb.h"
#include "nodes/provider_port.hpp"
#include "nodes/wiring.hpp"

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>

namespace troupe::test {

struct whole_node_options {
  models_catalog providers = {};   ///< with any, the node has an HTTP client
  role_table more_roles = {};      ///< beside the built-in ones
  std::filesystem::path data = {}; ///< the folder of its stores; empty: they are in memory
  node_config cfg = {};
};

/// A whole node in this process, wired like a real one. Benchmarks and tests drive it from inside.
class whole_node {
public:
  /// The id is made from `number`. A node with others listens on loopback or dials.
  explicit whole_node(std::uint64_t number, std::vector<NodeInfo> others = {},
                      whole_node_options options = {});
  ~whole_node();

  static node_id id_of(std::uint64_t number) { return {0x7265, number}; }
  std::string listen();
  void dial(std::uint64_t number, const std::string& place);
  /// Waits until every member is up; false after ten seconds.
  bool wait_for_members();
  std::shared_ptr<const member_view>
  wait_for_view(const std::function<bool(const member_view&)>& wanted);

  post& mail() { return *host_.post; }
  caf::actor_system& system() { return runtime_.system(); }
  node_host& host() { return host_; }
  /// An agent that echoes messages and whose home is that member; no other node serves it.
  address echo_on(std::uint64_t number);
  link_hub& links() { return hub_; }
  dialler& dialling() { return *dialler_; }

private:
  struct no_traces : trace_source {
    std::vector<SpanData> spans_of(trace_id) const override { return {}; }
    std::optional<trace_id> last_trace() const override { return std::nullopt; }
  };

  void published(std::shared_ptr<const member_view> view);
  node_parts parts(std::uint64_t number, std::vector<NodeInfo> others,
                   const whole_node_options& options);
  void call_providers(models_catalog providers);

  node_host host_;
  no_traces traces_;
  std::unique_ptr<http_loop> http_; ///< none without providers
  std::unique_ptr<provider_port> providers_;
  actor_runtime runtime_;
  node_parts parts_;
  link_hub hub_;
  std::mutex mutex_; ///< protects `published_`
  std::condition_variable published_;
  std::promise<void> all_stand_, ended_;
  std::optional<acceptor> acceptor_;
  std::optional<dialler> dialler_;
};

NodeInfo info_of(std::uint64_t number);

} // namespace troupe::test
