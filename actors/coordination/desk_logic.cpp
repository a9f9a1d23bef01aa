#include "actors/coordination/desk_logic.hpp"

#include "actors/coordination/client_spans.hpp"
#include "actors/unread.hpp"
#include "config/limits/telemetry.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/spans.pb.h"

#include <algorithm>

namespace troupe {

namespace {

std::string trace_bytes(trace_id trace) { return to_bytes(run_id{trace.hi, trace.lo}); }

trace_id trace_from_bytes(std::string_view bytes) {
  auto id = run_from_bytes(bytes);
  return {id.hi, id.lo};
}

/// Sets the count of each role that has one.
void set_counts(NodeStatus& status, const google::protobuf::RepeatedPtrField<RoleCount>& counts,
                void (RoleStatus::*set)(std::uint32_t)) {
  std::map<std::string_view, std::uint32_t> count_of;
  for (const auto& one : counts)
    count_of[one.role()] = one.count();
  for (auto& role : *status.mutable_roles())
    if (auto found = count_of.find(role.name()); found != count_of.end())
      (role.*set)(found->second);
}

/// When the youngest root among `spans` began; nothing if there is no root.
std::optional<std::int64_t> root_start(const google::protobuf::RepeatedPtrField<SpanData>& spans) {
  std::optional<std::int64_t> start;
  for (const auto& span : spans)
    if (span.parent() == 0)
      start = std::max(start.value_or(span.start_ns()), span.start_ns());
  return start;
}

} // namespace

desk_logic::desk_logic(desk_options options, std::function<NodeStatus()> sample,
                       const trace_source& traces)
    : options_(std::move(options)), sample_(std::move(sample)), traces_(traces),
      roles_(options_.roles) {}

void desk_logic::start(step_context& context, const address& self) {
  self_ = self;
  session_ = {context.random.next() | 1};
  roles_.start(self, {session_.value ^ 2});
  context.out.send(ask_for_members(self_));
}

void desk_logic::step(step_context& context, event input) {
  if (auto fired = std::get_if<timer_fired>(&input))
    return on_timer(context, fired->timer);
  auto message = std::get_if<envelope>(&input);
  if (!message)
    return;
  if (message->kind == message_kind::reply)
    return on_reply(context, *message);
  if (auto members = message->body.as<MembersChanged>()) {
    members_ = to_view(*members);
    return;
  }
  if (auto made = message->body.as<SpansMade>())
    return take_client_spans(context, *made);
  if (message->kind != message_kind::request)
    return not_taken(context, "the desk", *message);
  if (message->body.as<RolesQuery>())
    roles_.on_query(context, members_, *message);
  else
    on_query(context, *message);
}

void desk_logic::stop(step_context& context) {
  for (auto& [number, q] : open_)
    context.out.send(reply_failure(q.asked, {ec::unavailable, "the node is stopping"}));
  open_.clear();
  roles_.stop(context);
}

std::string desk_logic::name_of(node_id node) const {
  auto known = members_.find(node);
  return known && !known->info.name().empty() ? known->info.name() : to_string(node);
}

void desk_logic::on_query(step_context& context, envelope& request) {
  open_query q;
  if (auto query = request.body.as<StatusQuery>()) {
    q.status = true;
    q.whole = query->whole_cluster();
  } else if (auto trace = request.body.as<TraceQuery>()) {
    q.whole = trace->whole_cluster();
    q.trace = trace_from_bytes(trace->trace());
    q.latest = trace->trace().empty();
    if (!q.latest && !q.trace)
      return context.out.send(
          reply_failure(request, {ec::invalid_argument, "a trace id has 16 bytes, not all zero"}));
  } else {
    return not_taken(context, "the desk", request);
  }
  if (!q.status && !q.whole)
    return answer_here(context, request, std::move(q));
  if (open_.size() >= limits::desk_queries_max)
    return context.out.send(
        reply_failure(request, {ec::overloaded, "too many questions at once: ask again"}));
  q.asked = std::move(request);
  q.asked.body = {};
  open_.emplace(++asked_, std::move(q));
  gather(context, asked_);
}

void desk_logic::answer_here(step_context& context, envelope& request, open_query q) {
  add_own_spans(q);
  q.asked = std::move(request);
  context.out.send(compose_trace(q));
}

void desk_logic::add_own_spans(open_query& q) const {
  if (q.latest) {
    auto last = traces_.last_trace();
    if (!last)
      return;
    q.trace = *last;
  }
  auto own = traces_.spans_of(q.trace);
  std::move(own.begin(), own.end(), std::back_inserter(q.spans));
}

/// Begins with what this desk knows, and asks others for the rest.
void desk_logic::gather(step_context& context, std::uint32_t number) {
  auto& q = open_.at(number);
  if (q.status) {
    q.nodes.push_back(sample_());
    q.nodes.back().set_state(MEMBER_UP);
    ask(context, q, address::of(service::coordinator, self_.node), RunsQuery{});
    ask(context, q, address::of(service::roles, self_.node), AgentsQuery{});
    ask(context, q, address::of(service::queue, self_.node), SlotsQuery{});
  } else {
    add_own_spans(q);
    for (const auto& span : q.spans)
      if (q.latest && span.parent() == 0)
        q.latest_start = std::max(q.latest_start, span.start_ns());
    for (const auto& m : members_.members)
      if (m.id != self_.node && m.state != MEMBER_UP)
        q.silent.push_back(name_of(m.id));
  }
  if (q.whole)
    ask_members(context, q);
  if (q.waiting.empty())
    return complete(context, open_.find(number));
  // Another desk may wait for this answer, and it has to answer in time itself.
  context.out.arm(number, q.whole ? limits::desk_query_timeout : limits::desk_query_timeout / 2);
}

void desk_logic::ask_members(step_context& context, open_query& q) {
  for (const auto& m : members_.members) {
    if (!is_other_and_up(m))
      continue;
    auto desk = address::of(service::desk, m.id);
    if (q.status) {
      ask(context, q, desk, StatusQuery{});
    } else {
      TraceQuery query;
      if (!q.latest)
        query.set_trace(trace_bytes(q.trace));
      ask(context, q, desk, std::move(query));
    }
  }
}

template <class Query>
void desk_logic::ask(step_context& context, open_query& q, address whom, Query query) {
  auto request = make_envelope(message_kind::request, whom, std::move(query));
  request.id = {session_, ++sequence_};
  request.sender = self_;
  request.remaining = limits::desk_query_timeout;
  q.waiting.emplace(sequence_, whom.node);
  context.out.send(std::move(request));
}

void desk_logic::on_reply(step_context& context, envelope& reply) {
  if (roles_.on_reply(context, members_, reply))
    return;
  if (reply.id.session != session_)
    return;
  for (auto asked = open_.begin(); asked != open_.end(); ++asked) {
    auto& q = asked->second;
    auto waiting = q.waiting.find(reply.id.sequence);
    if (waiting == q.waiting.end())
      continue;
    auto from = waiting->second;
    q.waiting.erase(waiting);
    if (q.status)
      take_status(q, from, reply);
    else
      take_trace(q, from, reply);
    if (q.waiting.empty())
      complete(context, asked);
    return;
  }
}

void desk_logic::take_status(open_query& q, node_id from, envelope& reply) const {
  auto& own = q.nodes.front();
  if (auto listed = reply.body.as<RunsListed>()) {
    own.mutable_runs()->Swap(listed->mutable_runs());
    own.set_runs_total(listed->total());
    return;
  }
  if (auto agents = reply.body.as<AgentsCounted>())
    return set_counts(own, agents->roles(), &RoleStatus::set_agents);
  if (auto slots = reply.body.as<SlotsCounted>())
    return set_counts(own, slots->roles(), &RoleStatus::set_busy);
  auto status = reply.body.as<NodeStatus>();
  if (!status)
    return; // compose_status names it
  status->mutable_info()->set_id(to_bytes(from));
  status->set_state(MEMBER_UP);
  q.nodes.push_back(std::move(*status));
}

void desk_logic::take_trace(open_query& q, node_id from, envelope& reply) const {
  auto found = reply.body.as<TraceFound>();
  if (!found) {
    auto why = failure_in(reply);
    if (!why || why->code != ec::not_found) // `not_found` is an answer: the node has no spans of it
      q.silent.push_back(name_of(from));
    return;
  }
  if (!q.latest) {
    for (auto& span : *found->mutable_spans())
      if (q.spans.size() < limits::spans_kept_max)
        q.spans.push_back(std::move(span));
    return;
  }
  auto start = root_start(found->spans());
  if (start && (!q.trace || *start > q.latest_start)) {
    q.latest_start = *start;
    q.trace = trace_from_bytes(found->trace());
  }
}

void desk_logic::on_timer(step_context& context, std::uint32_t number) {
  if (roles_.on_timer(context, members_, number))
    return;
  auto asked = open_.find(number);
  if (asked == open_.end())
    return;
  auto& q = asked->second;
  if (!q.status)
    for (const auto& [sequence, node] : q.waiting)
      q.silent.push_back(name_of(node));
  q.waiting.clear();
  complete(context, asked);
}

/// All answers have come, or no others will.
void desk_logic::complete(step_context& context, open_queries::iterator asked) {
  auto& q = asked->second;
  if (!q.status && q.latest && q.trace) { // the trace is known now: ask all for its spans
    q.latest = false;
    q.spans.clear();
    q.silent.clear();
    return gather(context, asked->first);
  }
  context.out.arm(asked->first, {}); // no longer needed
  context.out.send(q.status ? compose_status(q) : compose_trace(q));
  open_.erase(asked);
}

envelope desk_logic::compose_status(open_query& q) const {
  if (!q.whole)
    return reply_to(q.asked, std::move(q.nodes.front()));
  for (const auto& m : members_.members) {
    auto same = [&m](const NodeStatus& s) { return node_from_bytes(s.info().id()) == m.id; };
    if (m.id == self_.node || std::any_of(q.nodes.begin(), q.nodes.end(), same))
      continue;
    auto& missing = q.nodes.emplace_back();
    *missing.mutable_info() = m.info;
    missing.mutable_info()->clear_roles(); // there is a query for them
    missing.set_state(m.state == MEMBER_UP ? MEMBER_UNKNOWN : m.state);
  }
  std::sort(q.nodes.begin(), q.nodes.end(), [](const NodeStatus& a, const NodeStatus& b) {
    return std::pair{a.info().name(), a.info().id()} < std::pair{b.info().name(), b.info().id()};
  });
  ClusterStatus cluster;
  cluster.set_cluster(options_.cluster);
  for (auto& status : q.nodes)
    *cluster.add_nodes() = std::move(status);
  return reply_to(q.asked, std::move(cluster));
}

envelope desk_logic::compose_trace(open_query& q) const {
  if (q.spans.empty()) {
    std::string text =
        q.trace ? "nobody knows the trace " + to_string(q.trace) : "no trace has been recorded yet";
    for (std::size_t i = 0; i < q.silent.size(); ++i)
      text += (i == 0 ? "; no answer from " : ", ") + q.silent[i];
    return reply_failure(q.asked, {ec::not_found, std::move(text)});
  }
  std::stable_sort(q.spans.begin(), q.spans.end(), [](const SpanData& a, const SpanData& b) {
    return a.start_ns() < b.start_ns();
  });
  TraceFound found;
  found.set_trace(trace_bytes(q.trace));
  for (auto& span : q.spans)
    *found.add_spans() = std::move(span);
  std::sort(q.silent.begin(), q.silent.end());
  for (auto& node : q.silent)
    found.add_silent(std::move(node));
  return reply_to(q.asked, std::move(found));
}

} // namespace troupe
