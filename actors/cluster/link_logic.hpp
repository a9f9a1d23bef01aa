#pragma once

#include "actors/cluster/chunk_assembly.hpp"
#include "actors/cluster/link_keys.hpp"
#include "messages/cluster.pb.h"
#include "messages/frame_reader.hpp"
#include "messages/wire.hpp"

#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// One end of a link as a state machine: bytes and time in, bytes and messages out. Nodes drive it
/// from a broker, clients from a socket, tests from a string.
///
///     dialler                                   acceptor
///     preface, Hello{whom it wants, nonce} ->
///                               <- preface, Hello{who it is, nonce}, Proof
///     Proof, sealed frames ->
///                                           <- sealed frames
///
/// A proof is an HMAC with the cluster's secret over both Hellos (link_keys.hpp). An acceptor that
/// is not the wanted node says who it is and proves nothing. A dialler that meets a different node
/// from the one it wants proves nothing either. So a stranger between two ends can pass on what
/// they say, or not, but neither end ever mistakes the stranger, or the node behind the stranger,
/// for another node. Frames after the proofs are sealed with keys of this session
/// (messages/frame_seal.hpp): the stranger can read what it passes on, but can change nothing.
///
/// Until the peer's proof has arrived, only its Hello, Proof or Bye is read, at most
/// `limits::hello_bytes_max` in all.
class link_logic {
public:
  struct options {
    Hello own;            ///< version, nonce (32 random bytes) and dial number included
    std::string secret;   ///< of the cluster
    bool dialled = false; ///< this side opened the connection
    node_id wanted{};     ///< of diallers: who must answer; zero: any node of the cluster
  };

  /// A message with a part that this version does not know. Without its payload.
  struct unknown {
    envelope head;
    std::string what; ///< "messages of kind 143"
  };

  /// The result of a step. After `failed`, close the connection once `write` is out. The bytes in
  /// `write` must go out before anything that is sealed later.
  struct effects {
    std::vector<char> write;
    std::vector<envelope> received; ///< targets and senders resolved
    std::vector<unknown> strange;   ///< came, but nobody here could take it
    std::optional<Hello> proven;    ///< the peer is who it claims to be; set once
    bool confirmed = false;         ///< sealed frames have passed in both directions; set once
    std::optional<Welcome> welcome; ///< clients only; set once
    std::optional<failure> failed;
    bool left = false; ///< `failed` is what the peer said when it ended the link
  };

  link_logic(options given, instant now);

  /// Preface and Hello. Called once, first.
  effects begin();

  effects feed(std::string_view bytes, instant now);

  /// Call it every `limits::link_tick`: it pings after silence and gives up after deadlines. Time
  /// in which this process did not run does not count, because nobody could have been heard.
  effects tick(instant now);

  /// While reading is halted, silence means nothing. Pings still go out, so that the peer hears
  /// from this end.
  void set_halted(bool halted, instant now);

  /// Clients wait for it; nodes send it once. `too_large`: it does not fit into a frame.
  result<std::vector<char>> welcome_frame(const Welcome& welcome);
  /// Tells the peer why before the connection is closed.
  std::vector<char> bye_frame(const failure& why);

  /// The seal for what this end sends; null before its proof.
  frame_seal* seal() noexcept { return seal_ ? &*seal_ : nullptr; }

  /// From now on unfinished payloads count there.
  void count_chunks_in(std::unique_ptr<chunk_budget::share> of) { chunks_.count_in(std::move(of)); }
  /// This link holds more unfinished chunks than any other link, and there are too many of them in
  /// all.
  bool must_give_way() const { return chunks_.must_give_way(); }

  /// Also of an end that was proven and has ended.
  bool is_proven() const noexcept { return now_ >= stage::proven; }
  /// The peer's Hello is valid; what it says is not proven yet.
  bool has_hello() const noexcept { return !peer_bytes_.empty(); }
  const Hello& peer() const noexcept { return peer_; }
  /// Bits of `link_feature` that both ends have.
  std::uint64_t features() const noexcept { return given_.own.features() & peer_.features(); }

  /// What is there at each stage, and what is not.
  bool invariants() const;

private:
  /// How far the link has come; in this order, but for `refused`, in which those end that have
  /// proven nothing.
  enum class stage : std::uint8_t {
    refused,   ///< it ended before the peer proved anything: nothing is read any more
    hello,     ///< the peer has not said who it is
    proof,     ///< it has said so, and not proven it
    proven,    ///< it has proven it: everything is read, and nothing of ours has been answered
    confirmed, ///< sealed frames have passed in both directions
    ended,     ///< it ended after the proof: nothing is read any more
  };

  bool has_ended() const noexcept { return now_ == stage::refused || now_ == stage::ended; }
  void end() noexcept { now_ = is_proven() ? stage::ended : stage::refused; }
  bool on_frame(frame_kind kind, const byte_slice& body, effects& out);
  result<void> on_hello(const byte_slice& body, effects& out);
  result<void> check_hello(const Hello& hello) const;
  result<void> check_wanted(const Hello& hello) const;
  result<void> on_proof(const byte_slice& body, effects& out);
  void prove(effects& out);
  void send(effects& out, frame_kind kind, std::string_view body);
  result<void> on_proven_frame(frame_kind kind, const byte_slice& body, effects& out);
  result<void> on_records(const byte_slice& body, effects& out);
  result<void> finish(wire_record record, effects& out);
  void skip_pause(instant now);
  link_transcript transcript() const;
  const address* route(route_id id) const;
  std::chrono::nanoseconds silence_max() const;

  options given_;
  instant began_;
  instant heard_;
  instant pinged_;
  instant ticked_;
  std::string own_bytes_;  ///< the Hello as it was sent
  std::string peer_bytes_; ///< and as it came
  Hello peer_;
  stage now_ = stage::hello;
  bool halted_ = false; ///< reading is, which only those are for who have proven themselves
  std::size_t unproven_bytes_ = 0;
  std::optional<frame_seal> seal_;
  frame_reader reader_;
  std::vector<address> routes_;
  chunk_assembly chunks_;
  std::map<route_id, std::string> strange_routes_; ///< those of `routes_` that are empty
};

} // namespace troupe
