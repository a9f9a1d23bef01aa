#include "actors/coordination/roles_desk.hpp"

#include "config/limits/work.hpp"

#include <algorithm>
#include <set>

namespace troupe {

namespace {

/// The desk's own timers have numbers from 1 on.
constexpr std::uint32_t first_timer = 0x8000'0000;

/// Adds roles until the page is full.
class page_filler {
public:
  explicit page_filler(RolesListed& page) : page_(page) {}

  bool add(const RoleInfo& role) {
    auto size = role.ByteSizeLong();
    if (bytes_ > 0 && bytes_ + size > limits::roles_page_bytes_aim) {
      page_.set_more(true);
      return false;
    }
    bytes_ += size;
    *page_.add_roles() = role;
    return true;
  }

private:
  RolesListed& page_;
  std::size_t bytes_ = 0;
};

} // namespace

RolesListed merge_pages(const std::map<node_id, RolesListed>& pages) {
  std::map<std::string_view, const RoleInfo*> by_name;
  std::optional<std::string_view> complete; ///< up to this name; nothing: to the end
  for (const auto& [node, page] : pages) {
    for (const auto& role : page.roles())
      by_name.emplace(role.name(), &role);
    if (!page.more() || page.roles().empty())
      continue;
    std::string_view last = page.roles(page.roles_size() - 1).name();
    complete = complete ? std::min(*complete, last) : last;
  }
  RolesListed merged;
  merged.set_more(complete.has_value());
  page_filler filler{merged};
  for (const auto& [role_name, role] : by_name)
    if ((complete && role_name > *complete) || !filler.add(*role))
      break;
  return merged;
}

void roles_desk::start(const address& self, session_id session) {
  self_ = self;
  session_ = session;
}

void roles_desk::stop(step_context& context) {
  for (auto& [number, q] : open_)
    context.out.send(reply_failure(q.asked, {ec::unavailable, "the node is stopping"}));
  open_.clear();
}

const RoleInfo* roles_desk::own_role(const std::string& called) const {
  if (!own_)
    return nullptr;
  auto found = own_->find(called);
  return found == own_->end() ? nullptr : &found->second->info;
}

RolesListed roles_desk::own_page(const std::string& after) const {
  RolesListed page;
  if (!own_)
    return page;
  page_filler filler{page};
  for (auto next = own_->upper_bound(after); next != own_->end(); ++next)
    if (!filler.add(next->second->info))
      break;
  return page;
}

/// A page of names alone, from the view.
RolesListed roles_desk::names_page(const member_view& members, const RolesQuery& query,
                                   node_id self) {
  std::map<std::string_view, const RoleName*> by_name;
  for (const auto& m : members.members)
    if (query.whole_cluster() || m.id == self)
      for (const auto& role : m.info.roles())
        by_name.emplace(role.name(), &role);
  RolesListed page;
  page_filler filler{page};
  for (auto next = by_name.upper_bound(query.after()); next != by_name.end(); ++next) {
    RoleInfo brief;
    brief.set_name(next->second->name());
    brief.set_for_tasks(next->second->for_tasks());
    brief.set_for_talk(next->second->for_talk());
    if (!filler.add(brief))
      break;
  }
  return page;
}

/// One member for each hash of roles that this node does not have.
std::vector<node_id> roles_desk::others_to_ask(const member_view& members,
                                               const RolesQuery& query) const {
  std::vector<node_id> asked;
  std::set<std::uint64_t> kinds;
  if (auto own = members.find(self_.node))
    kinds.insert(own->info.roles_hash());
  for (const auto& m : members.members) {
    const auto& roles = m.info.roles();
    bool has_it = query.name().empty() || std::any_of(roles.begin(), roles.end(), [&](auto& role) {
                    return role.name() == query.name();
                  });
    if (m.id != self_.node && m.state == MEMBER_UP && has_it
        && kinds.insert(m.info.roles_hash()).second)
      asked.push_back(m.id);
    if (!asked.empty() && !query.name().empty())
      break; // one is enough
  }
  return asked;
}

void roles_desk::on_query(step_context& context, const member_view& members, envelope& request) {
  auto query = *request.body.as<RolesQuery>();
  if (query.brief())
    return context.out.send(reply_to(request, names_page(members, query, self_.node)));
  open_listing q;
  if (query.name().empty())
    q.pages.emplace(node_id{}, own_page(query.after()));
  else if (auto known = own_role(query.name()))
    *q.pages[node_id{}].add_roles() = *known;
  bool enough = !query.whole_cluster() || (!query.name().empty() && !q.pages.empty());
  if (!enough && open_.size() >= limits::desk_queries_max)
    return context.out.send(
        reply_failure(request, {ec::overloaded, "too many questions at once: ask again"}));
  q.asked = std::move(request);
  q.asked.body = {};
  auto number = first_timer | ++asked_;
  auto asked = open_.emplace(number, std::move(q)).first;
  if (!enough)
    for (auto other : others_to_ask(members, query))
      ask(context, asked->second, other, query);
  if (asked->second.waiting.empty())
    return complete(context, members, asked);
  context.out.arm(number, limits::desk_query_timeout);
}

void roles_desk::ask(step_context& context, open_listing& q, node_id whom,
                     const RolesQuery& query) {
  RolesQuery alone;
  alone.set_after(query.after());
  alone.set_name(query.name());
  auto request =
      make_envelope(message_kind::request, address::of(service::desk, whom), std::move(alone));
  request.id = {session_, ++sequence_};
  request.sender = self_;
  request.remaining = limits::desk_query_timeout;
  q.waiting.emplace(sequence_, whom);
  context.out.send(std::move(request));
}

bool roles_desk::on_reply(step_context& context, const member_view& members, envelope& reply) {
  if (reply.id.session != session_)
    return false;
  for (auto asked = open_.begin(); asked != open_.end(); ++asked) {
    auto waiting = asked->second.waiting.find(reply.id.sequence);
    if (waiting == asked->second.waiting.end())
      continue;
    auto from = waiting->second;
    asked->second.waiting.erase(waiting);
    if (auto listed = reply.body.as<RolesListed>())
      asked->second.pages[from] = std::move(*listed);
    else
      asked->second.silent.push_back(from);
    if (asked->second.waiting.empty())
      complete(context, members, asked);
    return true;
  }
  return true;
}

bool roles_desk::on_timer(step_context& context, const member_view& members, std::uint32_t timer) {
  if (timer < first_timer)
    return false;
  if (auto asked = open_.find(timer); asked != open_.end())
    complete(context, members, asked);
  return true;
}

/// All pages have come, or no others will.
void roles_desk::complete(step_context& context, const member_view& members,
                          open_listings::iterator asked) {
  auto& q = asked->second;
  auto page = merge_pages(q.pages);
  for (const auto& [sequence, node] : q.waiting)
    q.silent.push_back(node);
  for (auto node : q.silent) {
    auto known = members.find(node);
    page.add_silent(known ? known->info.name() : to_string(node));
  }
  context.out.arm(asked->first, {}); // no longer needed
  context.out.send(reply_to(q.asked, std::move(page)));
  open_.erase(asked);
}

} // namespace troupe
