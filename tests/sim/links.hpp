#pragma once

#include "actors/cluster/backoff.hpp"
#include "actors/cluster/link_logic.hpp"
#include "actors/cluster/member_view.hpp"
#include "actors/cluster/outbox.hpp"
#include "actors/cluster/peer_links.hpp"
#include "config/limits/links.hpp"
#include "messages/cluster.pb.h"
#include "tests/sim/network.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::sim {

/// Of every simulated cluster.
inline constexpr std::string_view cluster_name = "simulated";
inline constexpr std::string_view cluster_secret =
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// One life of a node, as its links see it.
struct links_host {
  NodeInfo self;
  machine at = 0;
  std::map<node_id, machine> members; ///< where the others are
  std::function<void(envelope)> post; ///< what comes in, and news of links
  std::function<std::shared_ptr<const member_view>()> view;
};

/// The links of one life of a node: what actors/host/link_hub.hpp and link_broker.hpp are on CAF.
/// The parts that decide are the same (link_logic, outbox, peer_links, backoff), down to proofs and
/// seals; here they are driven by simulated connections. Destroyed with the node's process.
class links {
public:
  links(agenda& when, network& net, dice& random, links_host host);
  ~links();

  /// Accepts connections, and dials the members as a node does (actors/cluster/dialler.hpp).
  void open_doors();

  /// Null: there is no link to there.
  std::shared_ptr<outbox> link_to(const address& target) const;

  /// For a membership that is restarted.
  std::vector<LinkOpened> open() const;

private:
  class link;
  struct dialled_member {
    bool dials = false; ///< else it only knocks
    bool settled = false;
    std::uint64_t attempt = 0;
    backoff pauses{limits::dial_backoff_min, limits::dial_backoff_max};
  };

  void adopt(std::shared_ptr<wire_end> wire, node_id dialled);
  void dial(node_id peer);
  void dial_later(node_id peer);
  void lost(node_id peer);
  void found(node_id peer);
  void carry_out(const peer_links::links_change& change);
  void ended(std::uint64_t number);
  template <class Message>
  void report(service to, Message news) {
    host_.post(make_envelope(message_kind::event, address::of(to), std::move(news)));
  }

  /// Not called if this life of the node is over by then.
  template <class What>
  void later(std::chrono::nanoseconds after, What what) {
    std::weak_ptr<int> life = alive_;
    when_.later(after, [this, life, what] {
      if (!life.expired())
        net_.when_running(host_.at, [life, what] {
          if (!life.expired())
            what();
        });
    });
  }

  agenda& when_;
  network& net_;
  dice& random_;
  links_host host_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::shared_ptr<link>> open_;
  peer_links standing_;
  std::map<node_id, std::shared_ptr<outbox>> peers_;
  std::map<session_id, std::shared_ptr<outbox>> sessions_;
  std::map<node_id, dialled_member> targets_;
};

} // namespace troupe::sim
