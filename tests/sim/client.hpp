#pragma once

#include "actors/cluster/link_logic.hpp"
#include "actors/cluster/outbox.hpp"
#include "messages/piece_reader.hpp"
#include "tests/sim/ground.hpp"
#include "tests/sim/network.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::sim {

/// A client that comes back when its link is lost, as nodes/lasting_client.hpp does: to the next
/// node, with the same session, and it repeats what was not answered with the same number and the
/// next attempt. So the cluster gets requests twice, as it does in life.
class client {
public:
  using heard = std::function<void(envelope&)>;

  /// `nodes`: the machines of the nodes, in the order in which it tries them.
  client(ground& on, machine at, session_id session, std::vector<machine> nodes, dice& random);
  ~client();

  /// Sends the request when there is a link. `answered` gets its one reply; `others` what else
  /// comes with its number (the events of a run).
  message_id ask(envelope request, heard answered, heard others = {});

  /// As `ask`, but what comes is read one after the other, each for as long as `reads` says. Until
  /// then it is not taken, and neither `others` nor `answered` hears of it.
  message_id ask_slowly(envelope request, heard answered, heard others,
                        std::function<std::chrono::nanoseconds()> reads);

  /// Nothing more is heard of that request, and it is not repeated.
  void leave(message_id request) { pending_.erase(request.sequence); }

  /// The node to which it is attached; zero: to none at the moment.
  node_id attached() const;
  std::size_t unanswered() const noexcept { return pending_.size(); }
  /// Requests without an answer that were sent that long ago.
  std::vector<std::string> silent_since(std::chrono::nanoseconds time) const;
  std::uint64_t repetitions() const noexcept { return repetitions_; }
  /// The most messages that ever waited to be read.
  std::size_t unread_max() const noexcept { return unread_max_; }

private:
  struct pending {
    envelope request; ///< as it was first sent
    heard answered, others;
    bool follows = false; ///< a run: it stays pending until its end
    bool accepted = false;
    bool sent = false; ///< over the present link
    bool may_be_done = false;
    std::uint16_t attempts = 0;
    instant asked;
    instant first_sent;
    instant last_heard;
    instant not_before;
    std::optional<instant> given_up_at;
    // Of one that reads slowly:
    std::function<std::chrono::nanoseconds()> reads;
    std::optional<piece_reader> reader;
    std::deque<envelope> unread;
  };
  struct link {
    link(link_logic::options options, instant now) : protocol(std::move(options), now) {}
    std::shared_ptr<wire_end> wire;
    link_logic protocol;
    std::unique_ptr<outbox> waiting;
    std::optional<Welcome> welcome;
  };

  void connect();
  void begin(std::shared_ptr<wire_end> wire);
  void carry_out(link_logic::effects out);
  void tick();
  void pull();
  void send_pending();
  envelope attempt_of(pending& waiting);
  void came(envelope message);
  void read_later(std::uint64_t number);
  void read(pending& waiting);
  void take(envelope message);
  bool is_final(pending& waiting, envelope& message);
  void acknowledge(const address& target, message_id id);
  void lost(const std::string& why);
  void send_later(std::chrono::nanoseconds after);
  void doubt_later(std::uint64_t number, std::chrono::nanoseconds after);
  template <class What>
  void later(std::chrono::nanoseconds after, What what);

  ground& on_;
  machine at_;
  session_id session_;
  std::vector<machine> nodes_;
  dice& random_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::shared_ptr<link> link_;
  std::uint64_t dials_ = 0;
  std::size_t next_node_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t repetitions_ = 0;
  std::size_t unread_max_ = 0;
  std::map<std::uint64_t, pending> pending_; ///< by number
};

} // namespace troupe::sim
