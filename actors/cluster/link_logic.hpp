#pragma once

#include "messages/cluster.pb.h"
#include "messages/frame.hpp"
#include "messages/wire.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// One end of a link as a state machine: bytes and time in, bytes and messages out. Nodes drive it
/// from a broker, clients from a socket, tests from a string.
///
/// Both sides send the preface and a `Hello` with a nonce at once. Each then proves that it knows
/// the cluster's secret: HMAC-SHA256 over its side, both nonces and both Hellos, so that neither
/// what a node says of itself nor an old proof can be used by somebody else. Until the peer's proof
/// is there, nothing but those two frames is read, of at most `limits::hello_bytes_max` in all.
class link_logic {
public:
  struct options {
    Hello own;            ///< version and nonce (32 random bytes) included
    std::string secret;   ///< of the cluster
    bool dialled = false; ///< this side opened the connection
  };

  /// What a step yields. After `failed` the connection is to be closed once `write` is out.
  struct outcome {
    std::vector<char> write;
    std::vector<envelope> received; ///< targets and senders resolved
    std::optional<Hello> proven;    ///< the peer is who it says; set once
    std::optional<Welcome> welcome; ///< clients only; set once
    std::optional<failure> failed;
  };

  link_logic(options given, instant now);

  /// Preface and Hello. Called once, first.
  outcome begin();

  outcome feed(std::string_view bytes, instant now);

  /// To be called about every 100 ms: pings after silence, gives up after deadlines.
  outcome tick(instant now);

  /// Clients wait for it, nodes send it.
  static std::vector<char> welcome_frame(const Welcome& welcome);
  /// Says why before the connection is closed.
  static std::vector<char> bye_frame(const failure& why);

  bool is_proven() const noexcept { return proven_; }
  /// The peer's Hello is in order; what it says is not proven yet.
  bool has_hello() const noexcept { return hello_seen_; }
  const Hello& peer() const noexcept { return peer_; }

private:
  bool on_frame(frame_kind kind, const byte_slice& body, outcome& out);
  result<void> on_hello(const byte_slice& body, outcome& out);
  result<void> on_proof(const byte_slice& body, outcome& out);
  result<void> on_proven_frame(frame_kind kind, const byte_slice& body, outcome& out);
  result<void> on_records(const byte_slice& body, outcome& out);
  result<void> on_chunk(const byte_slice& body);
  result<void> finish(wire_record record, outcome& out);
  std::string proof_of(bool dialler) const;
  const address* route(route_id id) const;
  std::chrono::nanoseconds silence_max() const;

  options given_;
  instant began_;
  instant heard_;
  instant pinged_;
  std::string own_bytes_;  ///< the Hello as it was sent
  std::string peer_bytes_; ///< and as it came
  Hello peer_;
  bool hello_seen_ = false;
  bool proven_ = false;
  bool ended_ = false;
  std::size_t unproven_bytes_ = 0;
  frame_reader reader_;
  std::vector<address> routes_;
  std::map<std::uint32_t, std::string> streams_;
  std::size_t assembling_bytes_ = 0;
};

} // namespace troupe
