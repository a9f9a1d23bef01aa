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

/// The part of service::desk that tells of roles: RolesQuery -> RolesListed, a page of at most
/// about `limits::roles_page_bytes_aim` at a time, in the order of the names.
///
/// Descriptions are long and seldom asked for, so no node keeps those of others. For the whole
/// cluster it asks the desks of members that are up and whose roles differ from its own (their hash
/// in the view says so), one of each kind, and merges their pages. A role that several have is told
/// once: this node's own, else that of the lower id. `brief` answers come from the view alone.
class roles_desk {
public:
  /// `own` may be null: this node has no roles.
  explicit roles_desk(const role_table* own) : own_(own) {}

  /// The session makes its requests known from others of the same logic.
  void start(const address& self, session_id session);
  void on_query(step_context& context, const member_view& members, envelope& request);
  /// Whether it was the reply to a question from here.
  bool on_reply(step_context& context, const member_view& members, envelope& reply);
  /// Whether it was a timer from here.
  bool on_timer(step_context& context, const member_view& members, std::uint32_t timer);
  void stop(step_context& context);

private:
  struct question {
    envelope asked; ///< without its body
    std::map<std::uint64_t, node_id> waiting;
    std::map<node_id, RolesListed> pages; ///< zero: this node's
    std::vector<node_id> silent;
  };
  using questions = std::map<std::uint32_t, question>;

  const RoleInfo* own_role(const std::string& called) const;
  RolesListed own_page(const std::string& after) const;
  static RolesListed names_page(const member_view& members, const RolesQuery& query, node_id self);
  std::vector<node_id> others_to_ask(const member_view& members, const RolesQuery& query) const;
  void ask(step_context& context, question& q, node_id whom, const RolesQuery& query);
  void complete(step_context& context, const member_view& members, questions::iterator asked);

  const role_table* own_;
  address self_;
  session_id session_;
  std::uint64_t sequence_ = 0;
  std::uint32_t asked_ = 0;
  questions open_;
};

/// What all pages say of the names up to which every page is complete.
RolesListed merge_pages(const std::map<node_id, RolesListed>& pages);

} // namespace troupe
