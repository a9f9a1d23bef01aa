#pragma once

#include "actors/cluster/member_view.hpp"
#include "actors/logic.hpp"
#include "messages/cluster.pb.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Who is up, suspect or down, from what the links say. The list of members is fixed. A member is
/// `up` if a link to it counts (`peer_links`) and its roles are known; `suspect` if its link
/// closed; `down` if it did not come back within `limits::down_after_silence` or if its address
/// refuses connections. The services that must know are told when any of that changes, and only
/// then.
///
/// Views hold the names of members' roles. Links carry a hash of everything about the roles:
/// members with the same hash have the same roles, and send nothing. If the hashes differ, each
/// member tells the other its names in pieces (MemberRoles) as soon as they are linked.
class membership_logic : public logic {
public:
  struct options {
    NodeInfo self;
    std::vector<NodeInfo> others; ///< id, name and address; the rest is learnt from their Hello
    /// Called with each new view, before anybody is told of it.
    std::function<void(std::shared_ptr<const member_view>)> publish;
    std::vector<service> told; ///< who gets MembersChanged
    /// The links that exist when this logic is restarted; empty: there can be none.
    std::function<std::vector<LinkOpened>()> links;
    std::uint64_t epoch = 0; ///< of the last view that was published before
  };

  explicit membership_logic(options given);

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;

private:
  struct peer {
    member known;
    std::uint64_t link = 0;       ///< of the link that counts; 0: none
    bool roles_known = false;     ///< the roles in `known` belong to that hash
    std::vector<RoleName> came{}; ///< of a list that is not complete yet
  };

  void on_message(step_context& context, envelope& message);
  void tell(step_context& context, const address& whom, MembersChanged change) const;
  void opened(step_context& context, const LinkOpened& news);
  void closed(step_context& context, const LinkClosed& news);
  void came(step_context& context, node_id from, const MemberRoles& news);
  void meet(peer& who, const LinkOpened& news) const;
  void tell_roles(step_context& context, const peer& who, bool answer) const;
  void change(step_context& context, peer& who, MemberState state, std::string_view why);
  void announce(step_context& context);
  std::shared_ptr<member_view> view() const;
  peer* find(node_id id);
  static std::string called(const peer& who); ///< "node-2 (127.0.0.1:4711)"

  options given_;
  address self_;
  member own_;
  std::vector<peer> peers_;
  std::uint64_t epoch_ = 0;
};

} // namespace troupe
