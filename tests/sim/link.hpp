#pragma once

#include "tests/sim/links.hpp"

namespace troupe::sim {

/// One link of a simulated node: drives a link_logic and an outbox by a simulated connection.
class links::link : public std::enable_shared_from_this<links::link> {
public:
  link(links& of, std::uint64_t number, std::shared_ptr<wire_end> wire, node_id dialled);
  ~link();

  void begin();
  /// Writes what waits.
  void pull();
  void close(const failure& why);
  void end(const std::string& why, bool left);

  const NodeInfo& peer() const { return peer_; }
  const std::shared_ptr<outbox>& waiting() const { return waiting_; }
  LinkOpened opened_news() const;
  bool is_member() const { return kind_ == kind::member; }

  bool replaced = false; ///< another link counts: this one ends once it is drained

private:
  enum class kind { unproven, client, member };

  void carry_out(link_logic::effects out);
  std::optional<failure> attach(const Hello& peer);
  std::optional<failure> attach_client(const Hello& peer);
  void leave();
  void fail_unanswered();
  void tick_later();

  links& of_;
  std::uint64_t number_;
  std::shared_ptr<wire_end> wire_;
  node_id dialled_;
  link_logic protocol_;
  std::shared_ptr<outbox> waiting_;
  kind kind_ = kind::unproven;
  session_id session_;
  NodeInfo peer_;
  bool over_ = false;
  bool left_ = false;
  std::string why_ = "the link failed";
};

} // namespace troupe::sim
