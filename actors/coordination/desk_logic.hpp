#pragma once

#include "actors/cluster/member_view.hpp"
#include "actors/coordination/roles_desk.hpp"
#include "actors/logic.hpp"
#include "messages/cluster.pb.h"
#include "messages/spans.pb.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

struct desk_options {
  std::string cluster = "default";
  const role_table* roles = nullptr; ///< of this node; null if it has none
};

/// Where a node's finished spans are kept (telemetry/recorder.hpp).
struct trace_source {
  virtual ~trace_source() = default;
  virtual std::vector<SpanData> spans_of(trace_id trace) const = 0;
  /// The trace of the root that began last on this node.
  virtual std::optional<trace_id> last_trace() const = 0;
};

/// Answers what people ask: service::desk (actors/host/interfaces.hpp).
///
/// StatusQuery -> NodeStatus of this node. With `whole_cluster` -> ClusterStatus with one entry for
/// each member, ordered by name. Members that are up are asked and have
/// `limits::desk_query_timeout` to answer. The entry of a member that did not answer has its name,
/// its address and the state `unknown`; that of a suspect or down member has its state. Each desk
/// asks its node's coordinator for the runs, its roles for the active agents and its queue for the
/// busy slots. If one of them does not answer, its part is missing.
///
/// TraceQuery -> TraceFound with the spans ordered by their start. With `whole_cluster` it has the
/// spans of all nodes, and in `silent` the names of members that are not up or did not answer.
/// Without a trace id: the trace whose root began last on this node or, with `whole_cluster`, on
/// any node. `not_found` if no node knows it.
///
/// RolesQuery -> RolesListed: roles_desk.hpp.
class desk_logic final : public logic {
public:
  /// `sample` gives figures of this process and names its roles, but nothing that another logic
  /// owns. The thread that steps the logic calls it and `traces`.
  desk_logic(desk_options options, std::function<NodeStatus()> sample, const trace_source& traces);

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  void stop(step_context& context) override;

private:
  struct open_query {
    envelope asked;      ///< without its body
    bool status = false; ///< else a trace
    bool whole = false;  ///< of the whole cluster, not of this node alone
    bool latest = false; ///< of a trace: which one is not known yet
    trace_id trace;
    std::map<std::uint64_t, node_id> waiting; ///< by the sequence number of the request
    std::vector<NodeStatus> nodes;            ///< this one first
    std::vector<SpanData> spans;
    std::vector<std::string> silent;
    std::int64_t latest_start = 0;
  };
  using open_queries = std::map<std::uint32_t, open_query>;

  void on_query(step_context& context, envelope& request);
  void answer_here(step_context& context, envelope& request, open_query asked);
  void gather(step_context& context, std::uint32_t number);
  void ask_members(step_context& context, open_query& q);
  template <class Query>
  void ask(step_context& context, open_query& q, address whom, Query query);
  void on_reply(step_context& context, envelope& reply);
  void on_timer(step_context& context, std::uint32_t number);
  void take_status(open_query& q, node_id from, envelope& reply) const;
  void take_trace(open_query& q, node_id from, envelope& reply) const;
  void complete(step_context& context, open_queries::iterator asked);
  envelope compose_status(open_query& q) const;
  envelope compose_trace(open_query& q) const;
  void add_own_spans(open_query& q) const;
  std::string name_of(node_id node) const;
  bool is_other_and_up(const member& m) const { return m.id != self_.node && m.state == MEMBER_UP; }

  desk_options options_;
  std::function<NodeStatus()> sample_;
  const trace_source& traces_;
  address self_;
  session_id session_;
  std::uint64_t sequence_ = 0;
  std::uint32_t asked_ = 0; ///< numbers the open queries; their timers have the same numbers
  member_view members_;
  open_queries open_;
  roles_desk roles_;
};

} // namespace troupe
