#include "tests/sim/world.hpp"

#include "messages/cluster.pb.h"
#include "messages/contracts.hpp"
#include "messages/spans.pb.h"

#include <algorithm>
#include <stdexcept>

namespace troupe::sim {

namespace {

constexpr session_id client_session{4711};

struct no_traces final : trace_source {
  std::vector<SpanData> spans_of(trace_id) const override { return {}; }
  std::optional<trace_id> last_trace() const override { return std::nullopt; }
};

/// A text key for an address within a node. Keys are ordered, so iteration is the same in every
/// run.
std::string key_of(const address& place) {
  return place.what == address::kind::service ? "service " + std::string{to_string(place.svc)}
                                              : "agent " + std::string{place.agent.text()};
}

} // namespace

struct world::happening {
  instant due;
  std::uint64_t order;
  std::function<void()> what;

  static bool later(const happening& a, const happening& b) {
    return a.due != b.due ? a.due > b.due : a.order > b.order;
  }
};

struct world::node {
  struct place {
    std::unique_ptr<logic> mind;
    timer_table timers;
    address started_by; ///< for agents
  };

  node_id id;
  bool alive = true;
  metrics counted;
  no_traces traces;
  std::unique_ptr<node_parts> parts;
  std::shared_ptr<const member_view> view = std::make_shared<member_view>();
  std::map<std::string, place> places;
};

world::world(std::uint64_t seed, std::size_t nodes, role_table roles, node_config cfg)
    : random_(seed) {
  std::vector<NodeInfo> infos;
  for (std::size_t i = 0; i < nodes; ++i) {
    auto& n = *nodes_.emplace_back(std::make_unique<node>());
    n.id = {0, 1000 + i};
    auto& info = infos.emplace_back();
    info.set_id(to_bytes(n.id));
    info.set_name("node-" + std::to_string(i + 1));
    info.set_capacity(cfg.agents.pool_size);
    for (const auto& [role_name, kind] : roles)
      add_role(info, kind->info);
  }
  for (std::size_t i = 0; i < nodes; ++i) {
    auto& n = *nodes_[i];
    auto others = infos;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    n.parts.reset(new node_parts{infos[i],
                                 others,
                                 cfg,
                                 roles,
                                 n.counted,
                                 n.traces,
                                 [] { return make_memory_state_store(); },
                                 [] { return make_memory_blob_store(); },
                                 [&n](auto view) { n.view = std::move(view); },
                                 [&n] { return n.view; },
                                 {},
                                 {},
                                 {},
                                 {}});
    start(n);
  }
  for (std::size_t a = 0; a < nodes; ++a)
    for (std::size_t b = a + 1; b < nodes; ++b)
      link(*nodes_[a], *nodes_[b]);
}

world::~world() = default;

outputs world::fresh_outputs() const {
  outputs out;
  out.debugs = debugs;
  return out;
}

node_id world::id(std::size_t index) const { return nodes_[index]->id; }

void world::start(node& n) {
  std::function<void(const child_spec&)> visit = [&](const child_spec& spec) {
    if (spec.place != service::none)
      start_logic(n, address::of(spec.place, n.id), spec.make());
    for (const auto& child : spec.children)
      visit(child);
  };
  visit(wire(*n.parts));
}

void world::start_logic(node& n, const address& place, std::unique_ptr<logic> mind) {
  auto& made = n.places[key_of(place)];
  made.mind = std::move(mind);
  made.timers = {};
  auto out = fresh_outputs();
  step_context context{now_, random_, out};
  made.mind->start(context, place);
  carry_out(n, place, std::move(out));
}

void world::link(node& a, node& b) {
  auto opened = [&](node& at, node& peer) {
    LinkOpened news;
    *news.mutable_peer() = peer.parts->self;
    news.set_link(1);
    deliver(at, make_envelope(message_kind::event, address::of(service::membership, at.id), news));
  };
  opened(a, b);
  opened(b, a);
}

void world::kill(std::size_t index) {
  auto& gone = *nodes_[index];
  gone.alive = false;
  gone.places.clear();
  for (auto& n : nodes_) {
    if (!n->alive)
      continue;
    LinkClosed news;
    news.set_node(to_bytes(gone.id));
    news.set_link(1);
    news.set_why("killed");
    deliver(*n, make_envelope(message_kind::event, address::of(service::membership, n->id), news));
  }
}

message_id world::send(std::size_t index, envelope message) {
  auto& n = *nodes_[index];
  message.sender = address::of_session(client_session, n.id);
  message.id = {client_session, ++client_sequence_};
  auto id = message.id;
  post(n, std::move(message));
  return id;
}

bool world::run_until(const std::function<bool()>& done, std::chrono::nanoseconds at_most) {
  auto end = now_ + at_most;
  while (!done()) {
    if (agenda_.empty() || agenda_.front().due > end)
      return false;
    std::pop_heap(agenda_.begin(), agenda_.end(), happening::later);
    auto next = std::move(agenda_.back());
    agenda_.pop_back();
    now_ = std::max(now_, next.due);
    next.what();
  }
  return true;
}

void world::later(std::chrono::nanoseconds after, std::function<void()> what) {
  agenda_.push_back({now_ + after, ++made_, std::move(what)});
  std::push_heap(agenda_.begin(), agenda_.end(), happening::later);
}

void world::step(node& n, const address& place, event input) {
  auto found = n.places.find(key_of(place));
  if (!n.alive || found == n.places.end())
    return;
  auto out = fresh_outputs();
  step_context context{now_, random_, out};
  found->second.mind->step(context, std::move(input));
  carry_out(n, place, std::move(out));
}

void world::carry_out(node& n, const address& place, outputs out) {
  for (const auto& gone : out.stops)
    end_agent(n, gone);
  for (auto& child : out.starts) {
    auto at = address::of_agent(child.agent, n.id);
    n.places[key_of(at)].started_by = place;
    start_logic(n, at, std::move(child.mind));
  }
  for (auto& message : out.sends)
    post(n, std::move(message));
  auto& own = n.places[key_of(place)];
  for (auto& t : out.timers)
    own.timers.arm(t.id, now_, t.after);
  if (!out.timers.empty())
    check_timer(n, place);
  if (out.leaves)
    if (auto starter = end_agent(n, place.agent); !starter.empty())
      step(n, starter, child_ended{place.agent});
}

/// Ends the agent and returns the address that started it, or none if there was no agent. Messages
/// on their way to it go to the service that starts agents.
address world::end_agent(node& n, const name& agent) {
  auto found = n.places.find(key_of(address::of_agent(agent, n.id)));
  if (found == n.places.end())
    return {};
  auto ended = std::move(found->second);
  n.places.erase(found);
  auto out = fresh_outputs();
  step_context context{now_, random_, out};
  ended.mind->stop(context);
  for (auto& message : out.sends)
    post(n, std::move(message));
  return ended.started_by;
}

void world::check_timer(node& n, const address& place) {
  auto found = n.places.find(key_of(place));
  if (found == n.places.end())
    return;
  auto due = found->second.timers.next();
  if (!due)
    return;
  later(std::max(*due - now_, std::chrono::nanoseconds{0}), [this, &n, place] {
    auto again = n.places.find(key_of(place));
    if (!n.alive || again == n.places.end())
      return;
    if (auto timer = again->second.timers.pop_due(now_)) {
      step(n, place, timer_fired{*timer});
      check_timer(n, place);
    }
  });
}

void world::post(node& from, envelope message) {
  auto& target = message.target;
  if (target.what == address::kind::agent && !target.node)
    target.node = home_of(target.agent, *from.view);
  if (!target.node)
    target.node = from.id;
  auto to = find(target.node);
  if (!message.sender.node)
    message.sender.node = from.id;
  bool remote = target.node != from.id;
  if (auto ruled = judge(message, from.id); ruled != ruling::kept)
    throw std::logic_error{"messages/contracts.hpp: " + explain(ruled, message).message};
  if (!to || !to->alive)
    return refuse(from, std::move(message), {ec::unavailable, "node is down"});
  if (remote && lose(message)) {
    ++lost_;
    return;
  }
  // A fixed time per hop keeps the order within a node and over one link.
  auto takes = remote ? std::chrono::microseconds{100} : std::chrono::microseconds{1};
  auto parcel = std::make_shared<envelope>(std::move(message));
  later(takes, [this, to, parcel] { deliver(*to, std::move(*parcel)); });
}

void world::refuse(node& from, envelope message, failure why) {
  if (message.kind == message_kind::request)
    post(from, reply_failure(message, std::move(why)));
}

void world::deliver(node& n, envelope message) {
  if (!n.alive)
    return;
  for (std::uint64_t part :
       {n.id.lo, static_cast<std::uint64_t>(message.body.kind()), message.id.sequence,
        static_cast<std::uint64_t>(now_.time_since_epoch().count())})
    hash_ = (hash_ ^ part) * 0x100000001b3ULL;
  if (message.target.what == address::kind::session) {
    received.push_back(std::move(message));
    return;
  }
  auto place = message.target;
  if (!n.places.contains(key_of(place)))
    place = address::of(service::roles, n.id);
  step(n, place, std::move(message));
}

world::node* world::find(node_id id) {
  for (auto& n : nodes_)
    if (n->id == id)
      return n.get();
  return nullptr;
}

} // namespace troupe::sim
