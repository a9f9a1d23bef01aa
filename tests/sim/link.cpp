#include "tests/sim/link.hpp"

#include "actors/cluster/stamp.hpp"

namespace troupe::sim {

namespace {

link_logic::options protocol_of(const NodeInfo& self, dice& random, node_id dialled,
                                std::uint64_t number) {
  link_logic::options options;
  options.own.set_version(link_version);
  options.own.set_cluster(std::string{cluster_name});
  options.own.set_nonce(random.bytes(32));
  *options.own.mutable_node() = self;
  options.own.mutable_node()->clear_roles();
  options.secret = std::string{cluster_secret};
  options.wanted = dialled;
  options.dialled = bool{dialled};
  if (options.dialled)
    options.own.set_dial(number);
  return options;
}

} // namespace

links::link::link(links& of, std::uint64_t number, std::shared_ptr<wire_end> wire, node_id dialled)
    : of_(of), number_(number), wire_(std::move(wire)), dialled_(dialled),
      protocol_(protocol_of(of.host_.self, of.random_, dialled, number), of.when_.now()) {}

links::link::~link() = default;

void links::link::begin() {
  std::weak_ptr<link> self = weak_from_this();
  auto& of = of_;
  waiting_ = std::make_shared<outbox>(limits::link_bytes_max, [self, &of] {
    of.later(std::chrono::microseconds{1}, [self] {
      if (auto there = self.lock())
        there->pull();
    });
  });
  wire_->on_bytes = [self](std::string_view bytes) {
    if (auto there = self.lock(); there && !there->over_)
      there->carry_out(there->protocol_.feed(bytes, there->of_.when_.now()));
  };
  wire_->on_room = [self] {
    if (auto there = self.lock())
      there->pull();
  };
  wire_->on_closed = [self] {
    if (auto there = self.lock())
      there->end("the connection was closed", false);
  };
  tick_later();
  carry_out(protocol_.begin());
  wire_->listen();
}

void links::link::tick_later() {
  std::weak_ptr<link> self = weak_from_this();
  of_.later(limits::link_tick, [self] {
    auto there = self.lock();
    if (!there || there->over_)
      return;
    there->tick_later();
    there->carry_out(there->protocol_.tick(there->of_.when_.now()));
  });
}

void links::link::pull() {
  auto seal = protocol_.seal();
  if (over_ || !seal)
    return;
  if (waiting_->overflowed())
    return close({ec::overloaded, "it does not take what is sent to it"});
  bool more = true;
  while (more && wire_->unsent() < limits::link_unsent_bytes_aim) {
    std::vector<char> bytes;
    more = waiting_->take(bytes, limits::link_unsent_bytes_aim, *seal);
    wire_->write(std::move(bytes));
  }
  if (replaced && !more)
    close({ec::cancelled, "another link between the same two nodes has its place"});
}

void links::link::carry_out(link_logic::effects out) {
  auto self = shared_from_this(); // it may end here
  wire_->write(std::move(out.write));
  if (out.proven && !out.failed)
    if (auto refused = attach(*out.proven))
      out.failed = std::move(refused);
  if (out.confirmed && kind_ == kind::member)
    of_.carry_out(of_.standing_.confirmed(number_));
  for (auto& message : out.received) {
    stamp(message, protocol_.peer(), node_from_bytes(of_.host_.self.id()));
    bool foreign = message.kind == message_kind::reply
                   && message.target.what == address::kind::session
                   && !waiting_->answered(message.id);
    if (!foreign)
      of_.host_.post(std::move(message));
  }
  if (out.failed) {
    left_ = out.left;
    close(*out.failed);
  }
}

std::optional<failure> links::link::attach_client(const Hello& peer) {
  Welcome welcome;
  *welcome.mutable_node() = of_.host_.self;
  welcome.mutable_node()->clear_roles();
  for (const auto& known : of_.host_.view()->members) {
    auto added = welcome.add_members();
    *added->mutable_info() = known.info;
    added->mutable_info()->clear_roles();
    added->set_state(known.state);
  }
  auto frame = protocol_.welcome_frame(welcome);
  if (!frame)
    return frame.error();
  session_ = {peer.session()};
  kind_ = kind::client;
  of_.sessions_[session_] = waiting_;
  wire_->write(std::move(*frame));
  return std::nullopt;
}

std::optional<failure> links::link::attach(const Hello& peer) {
  if (peer.client())
    return attach_client(peer);
  peer_ = peer.node();
  auto id = node_from_bytes(peer_.id());
  auto self = node_from_bytes(of_.host_.self.id());
  if (id == self || !of_.host_.view()->find(id))
    return failure{ec::refused, "node " + to_string(id) + " is not a member of this cluster"};
  kind_ = kind::member;
  bool by_lower = dialled_ ? self < id : id < self;
  of_.carry_out(of_.standing_.proven(
      {number_, id, peer_.incarnation(), by_lower, dialled_ ? number_ : peer.dial()}));
  return std::nullopt;
}

LinkOpened links::link::opened_news() const {
  LinkOpened opened;
  *opened.mutable_peer() = peer_;
  opened.set_link(number_);
  opened.set_features(protocol_.features());
  return opened;
}

void links::link::close(const failure& why) {
  if (over_)
    return;
  bool silent =
      protocol_.is_proven() && (why.code == ec::unavailable || why.code == ec::overloaded);
  if (!silent)
    wire_->write(protocol_.bye_frame(why));
  end(why.message, left_);
}

/// As a link_registration ends.
void links::link::end(const std::string& why, bool left) {
  if (std::exchange(over_, true))
    return;
  auto self = shared_from_this();
  why_ = why;
  left_ = left;
  wire_->close();
  leave();
  fail_unanswered();
  auto peer = kind_ == kind::member ? node_from_bytes(peer_.id()) : dialled_;
  of_.ended(number_);
  if (peer && !of_.standing_.has_link(peer))
    of_.lost(peer);
}

void links::link::leave() {
  if (kind_ == kind::client) {
    auto there = of_.sessions_.find(session_);
    if (there == of_.sessions_.end() || there->second != waiting_)
      return; // it came back by a new link: it is not gone
    of_.sessions_.erase(there);
    SessionClosed closed;
    closed.set_session(session_.value);
    closed.set_left(left_);
    of_.report(service::coordinator, std::move(closed));
  } else if (kind_ == kind::member) {
    auto peer = node_from_bytes(peer_.id());
    auto change = of_.standing_.closed(number_);
    of_.carry_out(change);
    if (auto there = of_.peers_.find(peer); there != of_.peers_.end() && there->second == waiting_)
      of_.peers_.erase(there);
    if (!change.lost)
      return;
    LinkClosed closed;
    closed.set_node(peer_.id());
    closed.set_link(number_);
    closed.set_why(why_);
    of_.report(service::membership, std::move(closed));
  }
}

void links::link::fail_unanswered() {
  for (auto& head : waiting_->close()) {
    auto why = to_proto({ec::outcome_unknown, "the link was lost before the answer came"});
    why.set_repeat(true);
    of_.host_.post(reply_to(head, std::move(why)));
  }
}

} // namespace troupe::sim
