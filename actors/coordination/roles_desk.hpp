#pragma once

#include "actors/agents/role.hpp"
#include "actors/cluster/member_view.hpp"
#include "actors/logic.hpp"
#include "messages/cluster.pb.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace troupe {

/// The part of service::desk that tells of roles: RolesQuery -> RolesListed, in pages of about
/// `limits::roles_page_bytes_aim`, ordered by name.
///
/// Descriptions are long and rarely wanted, so no node keeps those of other nodes. For the whole
/// cluster this desk asks the desks of members that are up and whose roles differ from its own (by
/// the hash in the view), one member for each hash, and merges their pages. A role that several
/// members have is told once: this node's own, or that of the lowest id. `brief` answers come from
/// the view alone.
class roles_desk {
public:
  /// `own` may be null: this node has no roles.
  explicit roles_desk(const role_table* own) : own_(own) {}

  /// `session` tells its requests from others of the same logic.
  void start(const address& self, session_id session);
  void on_query(step_context& context, const member_view& members, envelope& request);
  /// False if this part has not sent the request.
  bool on_reply(step_context& context, const member_view& members, envelope& reply);
  /// False if this part has not armed the timer.
  bool on_timer(step_context& context, const member_view& members, std::uint32_t timer);
  void stop(step_context& context);

private:
  struct open_listing {
    envelope asked; ///< without its body
    std::map<std::uint64_t, node_id> waiting;
    std::map<node_id, RolesListed> pages; ///< zero: this node's
    std::vector<node_id> silent;
  };
  using open_listings = std::map<std::uint32_t, open_listing>;

  const RoleInfo* own_role(const std::string& called) const;
  RolesListed own_page(const std::string& after) const;
  static RolesListed names_page(const member_view& members, const RolesQuery& query, node_id self);
  std::vector<node_id> others_to_ask(const member_view& members, const RolesQuery& query) const;
  void ask(step_context& context, open_listing& q, node_id whom, const RolesQuery& query);
  void complete(step_context& context, const member_view& members, open_listings::iterator asked);

  const role_table* own_;
  address self_;
  session_id session_;
  std::uint64_t sequence_ = 0;
  std::uint32_t asked_ = 0;
  open_listings open_;
};

/// Merges pages, up to the last name for which each of them is complete.
RolesListed merge_pages(const std::map<node_id, RolesListed>& pages);

} // namespace troupe
