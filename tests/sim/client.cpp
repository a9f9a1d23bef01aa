#include "tests/sim/client.hpp"

#include "config/limits/links.hpp"
#include "messages/agents.pb.h"
#include "messages/runs.pb.h"
#include "nodes/client.hpp"
#include "tests/sim/links.hpp"

#include <algorithm>

namespace troupe::sim {

namespace {

constexpr auto connect_timeout = std::chrono::milliseconds{1'500};

bool tells_nothing_of_before(ec code) {
  return code == ec::unavailable || code == ec::overloaded || code == ec::refused;
}

bool brings_news_of_a_run(payload_kind request) {
  return request == payload_kind::RunSubmit || request == payload_kind::RunAttach
         || request == payload_kind::RunRetry;
}

std::uint32_t milliseconds_between(instant from, instant to) {
  return static_cast<std::uint32_t>(
      std::chrono::ceil<std::chrono::milliseconds>(to - from).count());
}

} // namespace

template <class What>
void client::later(std::chrono::nanoseconds after, What what) {
  std::weak_ptr<int> life = alive_;
  on_.when.later(after, [life, what] {
    if (!life.expired())
      what();
  });
}

client::client(ground& on, machine at, session_id session, std::vector<machine> nodes, dice& random)
    : on_(on), at_(at), session_(session), nodes_(std::move(nodes)), random_(random) {
  connect();
}

client::~client() = default;

node_id client::attached() const {
  return link_ && link_->welcome ? node_from_bytes(link_->welcome->node().id()) : node_id{};
}

std::vector<std::string> client::silent_since(std::chrono::nanoseconds time) const {
  std::vector<std::string> silent;
  for (const auto& [number, waiting] : pending_)
    if (on_.when.now() - waiting.asked > time)
      silent.push_back(std::string{to_string(waiting.request.body.kind())} + " number "
                       + std::to_string(number) + " to " + to_string(waiting.request.target));
  return silent;
}

message_id client::ask(envelope request, heard answered, heard others) {
  request.kind = message_kind::request;
  request.id = {session_, ++sequence_};
  request.sender = address::of_session(session_);
  auto id = request.id;
  pending made;
  made.follows = brings_news_of_a_run(request.body.kind());
  made.request = std::move(request);
  made.answered = std::move(answered);
  made.others = std::move(others);
  made.asked = on_.when.now();
  pending_.emplace(id.sequence, std::move(made));
  send_pending();
  return id;
}

message_id client::ask_slowly(envelope request, heard answered, heard others,
                              std::function<std::chrono::nanoseconds()> reads) {
  auto head = head_of(request);
  auto id = ask(std::move(request), std::move(answered), std::move(others));
  head.id = id;
  head.sender = address::of_session(session_);
  auto& made = pending_.at(id.sequence);
  made.reads = std::move(reads);
  made.reader.emplace(head);
  return id;
}

// -- the link -----------------------------------------------------------------------------------

void client::connect() {
  auto dial = ++dials_;
  auto to = nodes_[next_node_++ % nodes_.size()];
  std::weak_ptr<int> life = alive_;
  on_.net.dial(at_, to, [this, life, dial](network::answer said, auto wire) {
    if (life.expired() || dial != dials_)
      return;
    if (said == network::answer::connected)
      return begin(std::move(wire));
    later(random_.between(limits::reconnect_pause_min, limits::reconnect_pause_max), [this, dial] {
      if (dial == dials_)
        connect();
    });
  });
}

void client::begin(std::shared_ptr<wire_end> wire) {
  link_logic::options options;
  options.own.set_version(link_version);
  options.own.set_cluster(std::string{cluster_name});
  options.own.set_nonce(random_.bytes(32));
  options.own.set_client(true);
  options.own.set_session(session_.value);
  options.secret = std::string{cluster_secret};
  options.dialled = true;
  link_ = std::make_shared<link>(std::move(options), on_.when.now());
  link_->wire = std::move(wire);
  link_->waiting = std::make_unique<outbox>(limits::link_bytes_max);
  std::weak_ptr<link> mine = link_;
  auto is_mine = [this, mine] { return link_ && mine.lock() == link_; };
  link_->wire->on_bytes = [this, is_mine](std::string_view bytes) {
    if (is_mine())
      carry_out(link_->protocol.feed(bytes, on_.when.now()));
  };
  link_->wire->on_room = [this, is_mine] {
    if (is_mine())
      pull();
  };
  link_->wire->on_closed = [this, is_mine] {
    if (is_mine())
      lost("the connection was closed");
  };
  later(connect_timeout, [this, is_mine] {
    if (is_mine() && !link_->welcome)
      lost("it does not answer");
  });
  tick();
  auto made = link_;
  carry_out(made->protocol.begin());
  made->wire->listen();
}

void client::tick() {
  std::weak_ptr<link> mine = link_;
  later(limits::link_tick, [this, mine] {
    if (!link_ || mine.lock() != link_)
      return;
    tick();
    carry_out(link_->protocol.tick(on_.when.now()));
  });
}

void client::pull() {
  auto mine = link_;
  bool more = mine->protocol.seal() != nullptr;
  while (more && mine->wire->unsent() < limits::link_unsent_bytes_aim) {
    std::vector<char> bytes;
    more = mine->waiting->take(bytes, limits::link_unsent_bytes_aim, *mine->protocol.seal());
    mine->wire->write(std::move(bytes));
  }
}

void client::carry_out(link_logic::effects out) {
  auto mine = link_; // it may be lost here
  mine->wire->write(std::move(out.write));
  for (auto& message : out.received) {
    if (message.kind == message_kind::reply)
      mine->waiting->answered(message.id);
    came(std::move(message));
  }
  if (link_ != mine)
    return;
  if (out.welcome) {
    mine->welcome = std::move(out.welcome);
    send_pending();
  }
  if (out.failed)
    lost(out.failed->message);
}

void client::lost(const std::string& why) {
  on_.tell([&] { return "             client " + to_string(session_) + " lost its link: " + why; });
  auto gone = std::exchange(link_, nullptr);
  gone->wire->close();
  for (auto& [number, waiting] : pending_)
    waiting.sent = false;
  connect();
}

// -- requests -----------------------------------------------------------------------------------

void client::send_later(std::chrono::nanoseconds after) {
  later(after, [this] { send_pending(); });
}

/// The end of a silent run may have been missed: then its RunSubmit is repeated.
void client::doubt_later(std::uint64_t number, std::chrono::nanoseconds after) {
  later(after, [this, number] {
    auto found = pending_.find(number);
    if (found == pending_.end() || !found->second.sent)
      return;
    auto left = found->second.last_heard + limits::run_silence_max - on_.when.now();
    if (left.count() > 0)
      return doubt_later(number, left);
    found->second.sent = false;
    send_pending();
  });
}

void client::send_pending() {
  if (!link_ || !link_->welcome)
    return;
  for (auto& [number, waiting] : pending_) {
    if (waiting.sent || waiting.not_before > on_.when.now())
      continue;
    link_->waiting->put(attempt_of(waiting));
    waiting.sent = waiting.may_be_done = true;
    waiting.last_heard = on_.when.now();
    if (waiting.follows)
      doubt_later(number, limits::run_silence_max);
  }
  pull();
}

envelope client::attempt_of(pending& waiting) {
  auto& request = waiting.request;
  if (request.target.what == address::kind::service && !request.target.node)
    request.target.node = attached(); // it stays with that node
  auto message = head_of(request);
  message.body = request.body.share();
  if (waiting.attempts == 0)
    waiting.first_sent = on_.when.now();
  if (waiting.attempts == 0 || waiting.may_be_done)
    ++waiting.attempts;
  message.attempt = waiting.attempts;
  if (waiting.attempts > 1) {
    ++repetitions_;
    message.age_ms = milliseconds_between(waiting.first_sent, on_.when.now());
  }
  return message;
}

void client::came(envelope message) {
  auto found = pending_.find(message.id.sequence);
  if (found == pending_.end())
    return;
  auto& waiting = found->second;
  if (!waiting.reads)
    return take(std::move(message));
  waiting.unread.push_back(std::move(message));
  unread_max_ = std::max(unread_max_, waiting.unread.size());
  if (waiting.unread.size() == 1)
    read_later(found->first);
}

void client::read_later(std::uint64_t number) {
  later(pending_.at(number).reads(), [this, number] {
    auto found = pending_.find(number);
    if (found == pending_.end())
      return;
    read(found->second);
    found = pending_.find(number);
    if (found != pending_.end() && !found->second.unread.empty())
      read_later(number);
  });
}

/// The first of what has come.
void client::read(pending& waiting) {
  auto message = std::move(waiting.unread.front());
  waiting.unread.pop_front();
  auto told = message.kind == message_kind::piece ? waiting.reader->took(message) : std::nullopt;
  take(std::move(message));
  if (!told || !link_ || !link_->welcome)
    return;
  link_->waiting->put(*told);
  pull();
}

void client::take(envelope message) {
  auto found = pending_.find(message.id.sequence);
  if (found == pending_.end())
    return;
  auto& waiting = found->second;
  waiting.last_heard = on_.when.now();
  bool ended = message.body.kind() == payload_kind::RunEnded;
  if (message.kind != message_kind::reply) {
    if (waiting.others)
      waiting.others(message);
    if (ended)
      pending_.erase(message.id.sequence);
    return;
  }
  if (message.body.kind() == payload_kind::Failure && has_effect(waiting.request.body.kind())
      && !is_final(waiting, message))
    return;
  if (waiting.follows && message.body.kind() == payload_kind::RunAccepted) {
    if (!std::exchange(waiting.accepted, true)) {
      auto answered = waiting.answered; // who is answered may leave
      answered(message);
    }
    return;
  }
  auto target = waiting.request.target;
  auto answered = std::move(waiting.answered);
  pending_.erase(found);
  if (target.what == address::kind::agent)
    acknowledge(target, message.id);
  answered(message);
}

/// False: the request is repeated, because an earlier attempt may have been done.
bool client::is_final(pending& waiting, envelope& message) {
  auto wire = message.body.as<Failure>();
  if (!wire)
    return true;
  auto why = from_proto(*wire);
  bool lost_on_the_way = why.code == ec::outcome_unknown && wire->repeat();
  if (!lost_on_the_way && !(waiting.attempts > 1 && tells_nothing_of_before(why.code)))
    return true;
  auto now = on_.when.now();
  if (!waiting.given_up_at)
    waiting.given_up_at = now + limits::reconnect_time_max;
  if (now + limits::reconnect_pause_max < *waiting.given_up_at) {
    waiting.sent = false;
    waiting.not_before = now + limits::reconnect_pause_max;
    send_later(limits::reconnect_pause_max);
    return false;
  }
  if (!lost_on_the_way)
    message.body = payload::of(to_proto(may_have_been_done(why.message)));
  return true;
}

void client::acknowledge(const address& target, message_id id) {
  for (const auto& [number, waiting] : pending_)
    if (waiting.request.target == target && number < id.sequence)
      return;
  if (!link_ || !link_->welcome)
    return;
  envelope message;
  message.kind = message_kind::acknowledge;
  message.id = id;
  message.target = target;
  message.sender = address::of_session(session_);
  link_->waiting->put(message);
  pull();
}

} // namespace troupe::sim
