#include "tests/sim/process.hpp"

#include "actors/cluster/routing.hpp"
#include "config/limits/mailboxes.hpp"
#include "messages/contracts.hpp"
#include "messages/spans.pb.h"

#include <algorithm>

namespace troupe::sim {

namespace {

struct no_traces final : trace_source {
  std::vector<SpanData> spans_of(trace_id) const override { return {}; }
  std::optional<trace_id> last_trace() const override { return std::nullopt; }
};

std::size_t charge_of(const envelope& message) {
  return limits::message_overhead_bytes + message.body.wire_size();
}

} // namespace

process::process(ground& on, disk& storage, process_setup setup)
    : on_(on), disk_(storage), setup_(std::move(setup)), id_(node_from_bytes(setup_.self.id())),
      traces_(std::make_unique<no_traces>()) {
  make_parts();
}

process::~process() = default;

void process::make_parts() {
  links_host host;
  host.self = setup_.self;
  host.self.clear_roles(); // nothing that grows goes into a handshake
  host.at = setup_.at;
  host.members = setup_.members;
  host.post = [this](envelope message) { post(std::move(message)); };
  host.view = [this] { return view_; };
  links_ = std::make_unique<links>(on_.when, on_.net, on_.chance, std::move(host));
  parts_.reset(new node_parts{setup_.self,
                              setup_.others,
                              setup_.cfg,
                              setup_.roles,
                              counted_,
                              *traces_,
                              [this] { return disk_.open_states(); },
                              [this] { return disk_.open_blobs(); },
                              [this] { return disk_.open_journal(); },
                              [this](auto view) {
                                view_ = std::move(view);
                                if (!std::exchange(doors_open_, true))
                                  links_->open_doors();
                              },
                              [this] { return view_; },
                              [this] { return links_->open(); },
                              {},
                              {}});
  if (setup_.provider)
    http_ = setup_.provider(*this);
  parts_->http = http_.get();
  parts_->disk_failed = [](const failure&) { throw process_ends{}; };
}

void process::start() {
  tree_ = std::make_unique<tree>(*this, wire(*parts_), nullptr, 0);
  tree_->start();
}

void process::stop() { tree_->stop(); }

std::size_t process::agents() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(directory_.begin(), directory_.end(),
                    [](const auto& one) { return bool{one.second.active}; }));
}

std::size_t process::waiting_for(service s) const {
  const auto& there = services_[static_cast<std::size_t>(s)];
  return there ? there->messages : 0;
}

// -- ways ---------------------------------------------------------------------------------------

void process::post(envelope message) {
  if (dead_)
    return;
  if (auto ruled = judge(message, id_); ruled != ruling::kept) {
    auto why = explain(ruled, message);
    bool own = !message.sender.node || message.sender.node == id_;
    if (own && message.sender.what != address::kind::session)
      defect("messages/contracts.hpp: " + why.message);
    return refuse(message, why);
  }
  deliver(std::move(message));
}

void process::deliver(envelope message) {
  switch (next_hop_of(message.target, id_)) {
    case next_hop::out:
      return send_out(std::move(message));
    case next_hop::agent:
      return to_agent(std::move(message));
    case next_hop::service:
      break;
  }
  const auto& receiver = services_[static_cast<std::size_t>(message.target.svc)];
  if (!receiver || offer(receiver, message) == admission::closed)
    refuse(message, unreachable(message.target, *view_, id_));
}

void process::to_agent(envelope message) {
  auto& target = message.target;
  bool passed_on = message.activations > 0; // from service::roles: it is the next in order
  if (auto known = directory_.find(target.agent); known != directory_.end())
    if (auto active = known->second.active; active && (passed_on || known->second.open()))
      if (offer(active, message) != admission::closed)
        return;
  if (!is_started_here(target, *view_, id_))
    return send_out(std::move(message));
  auto& there = directory_[target.agent];
  if (passed_on || !there.active) {
    ++there.around;
    return send_around(std::move(message));
  }
  if (!fits(*there.active, message))
    return turn_away(message);
  auto bytes = charge_of(message);
  ++there.active->messages;
  there.active->bytes += bytes;
  there.held.push_back({std::move(message), now(), bytes});
}

void process::send_around(envelope message) {
  auto agent = message.target.agent;
  auto admitted = admission::closed;
  if (!may_go_around(message)) {
    refuse(message, ends_at_once(message.target));
  } else {
    if (const auto& roles = services_[static_cast<std::size_t>(service::roles)])
      admitted = offer(roles, message);
    if (admitted == admission::closed)
      refuse(message, cannot_be_started(message.target));
  }
  if (admitted != admission::in)
    came_around(agent);
}

void process::came_around(const name& agent) {
  auto found = directory_.find(agent);
  if (found == directory_.end() || found->second.around == 0 || --found->second.around > 0)
    return;
  auto& there = found->second;
  if (!there.active) {
    directory_.erase(found);
    return;
  }
  auto active = there.active;
  for (auto& one : std::exchange(there.held, {}))
    active->inbox.emplace_back(std::move(one));
  wake(active);
}

void process::send_out(envelope message) {
  bool here = !message.target.node || message.target.node == id_;
  if (here && message.target.what == address::kind::session
      && message.target.session == linkless_session) {
    on_.received.push_back(std::move(message));
    return;
  }
  auto link = links_->link_to(message.target);
  if (!link)
    return refuse(message, unreachable(message.target, *view_, id_));
  if (!here && on_.lose(message)) {
    ++on_.lost;
    return;
  }
  if (!message.sender.node)
    message.sender.node = id_;
  auto put = link->put(message);
  if (put == outbox::put_result::queued)
    return;
  auto why = not_put(put, message.target, *view_, id_);
  if (put != outbox::put_result::too_large || message.kind != message_kind::reply)
    return refuse(message, why);
  message.body = payload::of(to_proto(why));
  link->put(message);
}

bool process::fits(const place& whom, const envelope& message) const {
  bool reserve = !may_be_refused(message);
  auto count_max = limits::mailbox_messages_max + (reserve ? limits::mailbox_reserve_messages : 0);
  auto bytes_max = limits::mailbox_bytes_max + (reserve ? limits::mailbox_reserve_bytes : 0);
  return whom.messages < count_max
         && (whom.bytes == 0 || whom.bytes + charge_of(message) <= bytes_max);
}

process::admission process::offer(const shell& whom, envelope& message) {
  if (whom->now == place::phase::over)
    return admission::closed;
  if (!fits(*whom, message)) {
    turn_away(message);
    return admission::full;
  }
  auto bytes = charge_of(message);
  ++whom->messages;
  whom->bytes += bytes;
  whom->inbox.emplace_back(place::message{std::move(message), now(), bytes});
  wake(whom);
  return admission::in;
}

void process::refuse(const envelope& message, const failure& why) {
  if (auto reply = refusal(message, why, id_))
    post(std::move(*reply));
}

void process::turn_away(const envelope& message) {
  if (message.kind == message_kind::request)
    refuse(message, has_too_much_to_do(message.target));
  else
    counted_.plain().envelopes_dropped.fetch_add(1, std::memory_order_relaxed);
}

/// From now on nobody finds it. What is held for it comes to it: it was let in.
void process::remove(const place& gone) {
  if (gone.self.what == address::kind::service) {
    auto& there = services_[static_cast<std::size_t>(gone.self.svc)];
    if (there.get() == &gone)
      there.reset();
    return;
  }
  auto found = directory_.find(gone.self.agent);
  if (found == directory_.end() || found->second.active.get() != &gone)
    return;
  auto whom = std::move(found->second.active);
  found->second.active.reset();
  for (auto& one : std::exchange(found->second.held, {}))
    whom->inbox.emplace_back(std::move(one));
  if (found->second.empty())
    directory_.erase(found);
}

} // namespace troupe::sim
