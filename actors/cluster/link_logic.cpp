#include "actors/cluster/link_logic.hpp"

#include "actors/cluster/link_feature.hpp"
#include "config/base/invariants.hpp"
#include "config/limits/links.hpp"
#include "messages/cluster.pb.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

constexpr std::size_t nonce_bytes = 32;
constexpr std::string_view ping_text = "are you?";

template <class Message>
result<Message> parse(const byte_slice& body, const char* what) {
  Message message;
  if (!message.ParseFromArray(body.view().data(), static_cast<int>(body.size())))
    return fail(ec::bad_message, std::string{"a damaged "} + what);
  return message;
}

std::string title_of(const NodeInfo& node) {
  auto id = to_string(node_from_bytes(node.id()));
  return node.name().empty() ? "node " + id : node.name() + " (" + id + ")";
}

/// Cut to a size that certainly fits into a frame, but not within a character.
std::string_view shortened(std::string_view text) {
  if (text.size() <= limits::bye_text_bytes_max)
    return text;
  auto end = limits::bye_text_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

} // namespace

link_logic::link_logic(options given, instant now)
    : given_(std::move(given)), began_(now), heard_(now), pinged_(now), ticked_(now) {
  if (given_.wanted)
    given_.own.set_wanted(to_bytes(given_.wanted));
  given_.own.set_features(own_link_features);
  own_bytes_ = given_.own.SerializeAsString();
}

link_logic::effects link_logic::begin() {
  effects out;
  out.write.assign(link_preface.begin(), link_preface.end());
  send(out, frame_kind::hello, own_bytes_);
  if (own_bytes_.size() + limits::handshake_bytes_spare > limits::hello_bytes_max)
    out.failed = failure{ec::too_large, "what this node says about itself takes "
                                            + std::to_string(own_bytes_.size())
                                            + " bytes, more than a Hello may have"};
  if (out.failed)
    end();
  return out;
}

/// A frame of this end: plain before its proof, sealed after it.
void link_logic::send(effects& out, frame_kind kind, std::string_view body) {
  auto done =
      seal_ ? append_sealed(out.write, kind, body, *seal_) : append_frame(out.write, kind, body);
  if (!done)
    out.failed = done.error();
}

link_logic::effects link_logic::feed(std::string_view bytes, instant now) {
  effects out;
  if (has_ended())
    return out;
  heard_ = now;
  if (!is_proven()) {
    unproven_bytes_ += bytes.size();
    if (unproven_bytes_ > limits::hello_bytes_max)
      out.failed = failure{ec::refused, "too many bytes before it proved its identity"};
  }
  if (!out.failed) {
    auto fed = reader_.feed(
        bytes, [&](frame_kind kind, const byte_slice& body) { return on_frame(kind, body, out); });
    if (!fed)
      out.failed = fed.error();
  }
  if (out.failed)
    end();
  check_invariants(*this);
  return out;
}

bool link_logic::on_frame(frame_kind kind, const byte_slice& body, effects& out) {
  result<void> done;
  if (kind == frame_kind::bye) {
    auto bye = parse<Bye>(body, "Bye");
    auto code = bye ? to_error_code(bye->code()) : std::nullopt;
    out.failed = failure{code && *code != ec::none ? *code : ec::unavailable,
                         bye ? bye->message() : "the peer ended the connection"};
    out.left = true;
    return false;
  }
  if (is_proven())
    done = on_proven_frame(kind, body, out);
  else if (kind == frame_kind::hello && now_ == stage::hello)
    done = on_hello(body, out);
  else if (kind == frame_kind::proof && now_ == stage::proof)
    done = on_proof(body, out);
  else
    done = fail(ec::refused, "a frame before its sender proved its identity");
  if (!done)
    out.failed = done.error();
  return !out.failed;
}

result<void> link_logic::on_hello(const byte_slice& body, effects& out) {
  auto hello = parse<Hello>(body, "Hello");
  if (!hello)
    return unexpected{hello.error()};
  if (auto right = check_hello(*hello); !right)
    return right;
  if (auto right = check_wanted(*hello); !right)
    return right;
  peer_ = std::move(*hello);
  peer_bytes_ = body.view();
  now_ = stage::proof;
  if (!given_.dialled)
    prove(out);
  return {};
}

result<void> link_logic::check_hello(const Hello& hello) const {
  if (hello.version() != link_version)
    return fail(ec::refused, "the peer speaks version " + std::to_string(hello.version())
                                 + " of the link protocol, this node version "
                                 + std::to_string(link_version));
  if (hello.cluster() != given_.own.cluster())
    return fail(ec::refused,
                "the peer belongs to another cluster than '" + given_.own.cluster() + "'");
  if (hello.nonce().size() != nonce_bytes || hello.nonce() == given_.own.nonce())
    return fail(ec::refused, "a Hello without a nonce of its own");
  if (!hello.client() && node_from_bytes(hello.node().id()) == node_id{})
    return fail(ec::refused, "a Hello of a node without an id");
  if (hello.client() && (given_.own.client() || hello.session() == 0))
    return fail(ec::refused, "a Hello of a client without a session, or to another client");
  return {};
}

/// Whether each of these two is the one the other wants to meet.
result<void> link_logic::check_wanted(const Hello& hello) const {
  if (given_.dialled) {
    if (given_.wanted && node_from_bytes(hello.node().id()) != given_.wanted)
      return fail(ec::refused, title_of(hello.node()) + " answers there, not the node "
                                   + to_string(given_.wanted) + " that was dialled");
  } else if (!hello.wanted().empty() && hello.wanted() != given_.own.node().id()) {
    return fail(ec::refused, "this is " + title_of(given_.own.node()) + ", not the node "
                                 + to_string(node_from_bytes(hello.wanted()))
                                 + " that was dialled");
  }
  return {};
}

link_transcript link_logic::transcript() const {
  return {given_.secret, given_.dialled ? own_bytes_ : peer_bytes_,
          given_.dialled ? peer_bytes_ : own_bytes_};
}

/// Everything sent after this is sealed.
void link_logic::prove(effects& out) {
  Proof proof;
  proof.set_mac(proof_of(transcript(), given_.dialled));
  send(out, frame_kind::proof, proof.SerializeAsString());
  auto keys = keys_of(transcript());
  seal_.emplace(given_.dialled ? keys.dialler : keys.acceptor);
}

result<void> link_logic::on_proof(const byte_slice& body, effects& out) {
  auto proof = parse<Proof>(body, "Proof");
  if (!proof)
    return unexpected{proof.error()};
  auto expected = proof_of(transcript(), !given_.dialled);
  if (proof->mac().size() != expected.size()
      || CRYPTO_memcmp(proof->mac().data(), expected.data(), expected.size()) != 0)
    return fail(ec::refused, "the secret is not that of cluster '" + given_.own.cluster() + "'");
  if (given_.dialled)
    prove(out);
  auto keys = keys_of(transcript());
  reader_.expect_sealed(frame_seal{given_.dialled ? keys.acceptor : keys.dialler});
  now_ = stage::proven;
  out.proven = peer_;
  send(out, frame_kind::ping, ping_text); // its answer confirms both directions
  return {};
}

result<void> link_logic::on_proven_frame(frame_kind kind, const byte_slice& body, effects& out) {
  switch (kind) {
    case frame_kind::envelopes:
      return on_records(body, out);
    case frame_kind::chunk:
      return chunks_.add(body);
    case frame_kind::ping:
      if (body.size() != ping_text.size())
        return fail(ec::bad_message, "a ping that is too long or too short");
      send(out, frame_kind::pong, body.view());
      return {};
    case frame_kind::pong:
      if (std::exchange(now_, stage::confirmed) == stage::proven)
        out.confirmed = true;
      return {};
    case frame_kind::welcome:
      if (auto welcome = parse<Welcome>(body, "Welcome"); given_.own.client() && welcome) {
        out.welcome = std::move(*welcome);
        return {};
      }
      return fail(ec::bad_message, "a Welcome that was not expected or is damaged");
    default:
      return fail(ec::bad_message, "a second handshake on one connection");
  }
}

const address* link_logic::route(route_id id) const {
  return id == 0 || id > routes_.size() ? nullptr : &routes_[id - 1];
}

result<void> link_logic::on_records(const byte_slice& body, effects& out) {
  for (std::size_t offset = 0; offset < body.size();) {
    auto record = read_record(body, offset);
    if (!record)
      return unexpected{record.error()};
    if (record->what == wire_record::type::reset) {
      routes_.clear();
      strange_routes_.clear();
    } else if (record->what == wire_record::type::route) {
      if (record->announced != routes_.size() + 1)
        return fail(ec::bad_message, "a route announced out of order");
      routes_.push_back(std::move(record->place));
      if (!record->unknown.empty())
        strange_routes_.emplace(record->announced, std::move(record->unknown));
    } else if (auto done = finish(std::move(*record), out); !done) {
      return done;
    }
  }
  return {};
}

result<void> link_logic::finish(wire_record record, effects& out) {
  auto& message = record.message;
  auto target = route(record.routes.target);
  if (!target)
    return fail(ec::bad_message, "a message to a route that was not announced");
  message.target = *target;
  if (auto sender = route(record.routes.sender))
    message.sender = *sender;
  if (auto tenant = route(record.routes.tenant))
    message.tenant = tenant->agent;
  if (record.stream != 0) {
    auto whole = chunks_.finish(record.stream, record.payload_bytes);
    if (!whole)
      return unexpected{whole.error()};
    message.body = payload::from_wire(message.body.kind(), std::move(*whole));
  }
  if (target->empty())
    record.unknown = strange_routes_[record.routes.target];
  // Any answer goes on: somebody waits for it, and can say so if they cannot read it.
  bool answer = message.kind == message_kind::reply || message.kind == message_kind::piece;
  if (record.unknown.empty() || (answer && !target->empty()))
    out.received.push_back(std::move(message));
  else
    out.strange.push_back({head_of(message), std::move(record.unknown)});
  return {};
}

/// A client that is stopped or reads a large folder answers no pings; a client that dies closes its
/// socket. The loss of a member must be known soon, because others wait for its tasks.
std::chrono::nanoseconds link_logic::silence_max() const {
  return peer_.client() ? std::chrono::nanoseconds{limits::client_silence_max}
                        : std::chrono::nanoseconds{limits::suspect_after_silence};
}

/// A process that was stopped, or whose machine was stopped, read nothing meanwhile: deadlines move
/// by that time.
void link_logic::skip_pause(instant now) {
  auto since = now - std::exchange(ticked_, now);
  if (since <= limits::link_tick_late_max)
    return;
  auto lost = since - std::chrono::nanoseconds{limits::link_tick};
  began_ += lost;
  heard_ = std::min(now, heard_ + lost);
}

link_logic::effects link_logic::tick(instant now) {
  effects out;
  if (has_ended())
    return out;
  skip_pause(now);
  if (!is_proven()) {
    if (now - began_ >= limits::hello_deadline)
      out.failed = failure{ec::refused, "it did not prove its identity in time"};
  } else if (!halted_ && now - heard_ >= silence_max()) {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(silence_max()).count();
    out.failed = failure{ec::unavailable, "silent for " + std::to_string(seconds) + " s"};
  } else if ((halted_ || now - heard_ >= limits::ping_after_silence)
             && now - pinged_ >= limits::ping_after_silence) {
    pinged_ = now;
    send(out, frame_kind::ping, ping_text);
  }
  if (out.failed)
    end();
  return out;
}

bool link_logic::invariants() const {
  bool said = !peer_bytes_.empty();
  bool sealed = seal_.has_value();
  if ((halted_ && !is_proven()) || (!has_ended() && !reader_.invariants()))
    return false;
  switch (now_) {
    case stage::refused:
      return routes_.empty();
    case stage::hello:
      return !said && !sealed && routes_.empty();
    case stage::proof: // the acceptor proves itself at once, the dialler in answer to that
      return said && sealed == !given_.dialled && routes_.empty();
    case stage::proven:
    case stage::confirmed:
    case stage::ended:
      return said && sealed;
  }
  return false;
}

void link_logic::set_halted(bool halted, instant now) {
  if (halted_ && !halted)
    heard_ = now;
  halted_ = halted;
}

result<std::vector<char>> link_logic::welcome_frame(const Welcome& welcome) {
  effects out;
  send(out, frame_kind::welcome, welcome.SerializeAsString());
  if (out.failed)
    return unexpected{*out.failed};
  return std::move(out.write);
}

std::vector<char> link_logic::bye_frame(const failure& why) {
  Bye bye;
  bye.set_code(static_cast<std::uint32_t>(why.code));
  bye.set_message(std::string{shortened(why.message)});
  effects out;
  send(out, frame_kind::bye, bye.SerializeAsString());
  return std::move(out.write);
}

} // namespace troupe
