#include "actors/cluster/link_logic.hpp"

#include "config/limits/links.hpp"
#include "messages/cluster.pb.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <cstring>

namespace troupe {

namespace {

constexpr std::size_t nonce_bytes = 32;

template <class Message>
result<Message> parse(const byte_slice& body, const char* what) {
  Message message;
  if (!message.ParseFromArray(body.view().data(), static_cast<int>(body.size())))
    return fail(ec::bad_message, std::string{"a damaged "} + what);
  return message;
}

} // namespace

link_logic::link_logic(options given, instant now)
    : given_(std::move(given)), began_(now), heard_(now), pinged_(now),
      own_bytes_(given_.own.SerializeAsString()) {}

link_logic::outcome link_logic::begin() {
  outcome out;
  out.write.assign(link_preface.begin(), link_preface.end());
  append_frame(out.write, frame_kind::hello, own_bytes_);
  return out;
}

link_logic::outcome link_logic::feed(std::string_view bytes, instant now) {
  outcome out;
  if (ended_)
    return out;
  heard_ = now;
  if (!proven_) {
    unproven_bytes_ += bytes.size();
    if (unproven_bytes_ > limits::hello_bytes_max)
      out.failed = failure{ec::refused, "too many bytes before a proof of who it is"};
  }
  if (!out.failed) {
    auto fed = reader_.feed(
        bytes, [&](frame_kind kind, const byte_slice& body) { return on_frame(kind, body, out); });
    if (!fed)
      out.failed = fed.error();
  }
  ended_ = out.failed.has_value();
  return out;
}

bool link_logic::on_frame(frame_kind kind, const byte_slice& body, outcome& out) {
  result<void> done;
  if (kind == frame_kind::bye) {
    auto bye = parse<Bye>(body, "Bye");
    auto code = bye ? to_error_code(bye->code()) : std::nullopt;
    out.failed = failure{code && *code != ec::none ? *code : ec::unavailable,
                         bye ? bye->message() : "the peer ended the connection"};
    return false;
  }
  if (proven_)
    done = on_proven_frame(kind, body, out);
  else if (kind == frame_kind::hello && !hello_seen_)
    done = on_hello(body, out);
  else if (kind == frame_kind::proof && hello_seen_)
    done = on_proof(body, out);
  else
    done = fail(ec::refused, "a frame before the proof of who sends it");
  if (!done)
    out.failed = done.error();
  return done.has_value();
}

result<void> link_logic::on_hello(const byte_slice& body, outcome& out) {
  auto hello = parse<Hello>(body, "Hello");
  if (!hello)
    return unexpected{hello.error()};
  if (hello->version() != link_version)
    return fail(ec::refused, "the peer speaks version " + std::to_string(hello->version())
                                 + " of the link protocol, this node version "
                                 + std::to_string(link_version));
  if (hello->cluster() != given_.own.cluster())
    return fail(ec::refused,
                "the peer belongs to another cluster than '" + given_.own.cluster() + "'");
  if (hello->nonce().size() != nonce_bytes || hello->nonce() == given_.own.nonce())
    return fail(ec::refused, "a Hello without a nonce of its own");
  if (!hello->client() && node_from_bytes(hello->node().id()) == node_id{})
    return fail(ec::refused, "a Hello of a node without an id");
  if (hello->client() && (given_.own.client() || hello->session() == 0))
    return fail(ec::refused, "a Hello of a client without a session, or to another client");
  hello_seen_ = true;
  peer_ = std::move(*hello);
  peer_bytes_ = body.view();
  Proof proof;
  proof.set_mac(proof_of(given_.dialled));
  append_frame(out.write, frame_kind::proof, proof.SerializeAsString());
  return {};
}

result<void> link_logic::on_proof(const byte_slice& body, outcome& out) {
  auto proof = parse<Proof>(body, "Proof");
  if (!proof)
    return unexpected{proof.error()};
  auto expected = proof_of(!given_.dialled);
  if (proof->mac().size() != expected.size()
      || CRYPTO_memcmp(proof->mac().data(), expected.data(), expected.size()) != 0)
    return fail(ec::refused, "the secret is not that of cluster '" + given_.own.cluster() + "'");
  proven_ = true;
  out.proven = peer_;
  return {};
}

std::string link_logic::proof_of(bool dialler) const {
  const auto& dialled = given_.dialled ? own_bytes_ : peer_bytes_;
  const auto& accepted = given_.dialled ? peer_bytes_ : own_bytes_;
  std::string text = dialler ? "troupe link 1 dialler" : "troupe link 1 acceptor";
  text += std::to_string(dialled.size()) + ' ' + dialled + accepted;
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), given_.secret.data(), static_cast<int>(given_.secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  return {reinterpret_cast<char*>(mac), size};
}

result<void> link_logic::on_proven_frame(frame_kind kind, const byte_slice& body, outcome& out) {
  switch (kind) {
    case frame_kind::envelopes:
      return on_records(body, out);
    case frame_kind::chunk:
      return on_chunk(body);
    case frame_kind::ping:
      append_frame(out.write, frame_kind::pong, body.view());
      return {};
    case frame_kind::pong:
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

result<void> link_logic::on_records(const byte_slice& body, outcome& out) {
  for (std::size_t offset = 0; offset < body.size();) {
    auto record = read_record(body, offset);
    if (!record)
      return unexpected{record.error()};
    if (record->what == wire_record::type::reset) {
      routes_.clear();
    } else if (record->what == wire_record::type::route) {
      if (record->announced != routes_.size() + 1)
        return fail(ec::bad_message, "a route announced out of order");
      routes_.push_back(std::move(record->place));
    } else if (auto done = finish(std::move(*record), out); !done) {
      return done;
    }
  }
  return {};
}

result<void> link_logic::finish(wire_record record, outcome& out) {
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
    auto found = streams_.find(record.stream);
    if (found == streams_.end() || found->second.size() != record.payload_bytes)
      return fail(ec::bad_message, "a message whose chunks are not complete");
    message.body = payload::from_wire(message.body.kind(), byte_slice::copy_of(found->second));
    assembling_bytes_ -= found->second.size();
    streams_.erase(found);
  }
  out.received.push_back(std::move(message));
  return {};
}

result<void> link_logic::on_chunk(const byte_slice& body) {
  std::uint32_t stream = 0;
  if (body.size() < sizeof stream)
    return fail(ec::bad_message, "a chunk without a number");
  std::memcpy(&stream, body.view().data(), sizeof stream);
  auto bytes = body.view().substr(sizeof stream);
  auto& whole = streams_[stream];
  if (whole.size() + bytes.size() > limits::payload_bytes_max
      || assembling_bytes_ + bytes.size() > limits::link_assembling_bytes_max
      || streams_.size() > limits::link_streams_max)
    return fail(ec::too_large, "more unfinished chunks than a link may hold");
  whole.append(bytes);
  assembling_bytes_ += bytes.size();
  return {};
}

/// A client that is stopped or reads a large folder answers no pings; one that dies closes its
/// socket. A member must be known to be lost soon, as others wait for its tasks.
std::chrono::nanoseconds link_logic::silence_max() const {
  return peer_.client() ? std::chrono::nanoseconds{limits::client_silence_max}
                        : std::chrono::nanoseconds{limits::suspect_after_silence};
}

link_logic::outcome link_logic::tick(instant now) {
  outcome out;
  if (ended_)
    return out;
  if (!proven_) {
    if (now - began_ >= limits::hello_deadline)
      out.failed = failure{ec::refused, "no proof of who it is in time"};
  } else if (now - heard_ >= silence_max()) {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(silence_max()).count();
    out.failed = failure{ec::unavailable, "silent for " + std::to_string(seconds) + " s"};
  } else if (now - heard_ >= limits::ping_after_silence
             && now - pinged_ >= limits::ping_after_silence) {
    pinged_ = now;
    append_frame(out.write, frame_kind::ping, "are you?");
  }
  ended_ = out.failed.has_value();
  return out;
}

std::vector<char> link_logic::welcome_frame(const Welcome& welcome) {
  std::vector<char> out;
  append_frame(out, frame_kind::welcome, welcome.SerializeAsString());
  return out;
}

std::vector<char> link_logic::bye_frame(const failure& why) {
  Bye bye;
  bye.set_code(static_cast<std::uint32_t>(why.code));
  bye.set_message(why.message);
  std::vector<char> out;
  append_frame(out, frame_kind::bye, bye.SerializeAsString());
  return out;
}

} // namespace troupe
