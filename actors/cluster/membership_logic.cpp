#include "actors/cluster/membership_logic.hpp"

#include "actors/cluster/link_feature.hpp"
#include "actors/unread.hpp"
#include "config/limits/links.hpp"
#include "messages/cluster.pb.h"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::string_view component = "membership";

} // namespace

membership_logic::membership_logic(options given) : given_(std::move(given)), epoch_(given_.epoch) {
  own_ = {node_from_bytes(given_.self.id()), MEMBER_UP, given_.self};
  for (const auto& other : given_.others)
    peers_.push_back({{node_from_bytes(other.id()), MEMBER_SUSPECT, other}, 0});
}

void membership_logic::start(step_context& context, const address& self) {
  self_ = self;
  for (const auto& there : given_.links ? given_.links() : std::vector<LinkOpened>{})
    if (auto who = find(node_from_bytes(there.peer().id()))) {
      meet(*who, there);
      if (who->roles_known)
        who->known.state = MEMBER_UP;
      else
        tell_roles(context, *who, true);
    }
  for (std::size_t i = 0; i < peers_.size(); ++i)
    if (peers_[i].known.state != MEMBER_UP)
      context.out.arm(static_cast<std::uint32_t>(i), limits::down_after_silence);
  announce(context);
}

void membership_logic::step(step_context& context, event input) {
  if (auto message = std::get_if<envelope>(&input)) {
    on_message(context, *message);
  } else if (auto timer = std::get_if<timer_fired>(&input); timer && timer->timer < peers_.size()) {
    auto& who = peers_[timer->timer];
    if (who.known.state == MEMBER_SUSPECT)
      change(context, who, MEMBER_DOWN, "it did not come back");
  }
}

void membership_logic::on_message(step_context& context, envelope& message) {
  if (auto opened_news = message.body.as<LinkOpened>())
    opened(context, *opened_news);
  else if (auto closed_news = message.body.as<LinkClosed>())
    closed(context, *closed_news);
  else if (auto roles = message.body.as<MemberRoles>())
    came(context, message.sender.node, *roles);
  else if (message.body.as<MembersQuery>())
    tell(context, message.sender, to_proto(*view()));
  else
    not_taken(context, component, message);
}

/// A link to that member counts from now on.
void membership_logic::meet(peer& who, const LinkOpened& news) const {
  who.link = news.link();
  who.came.clear();
  const auto& now = news.peer();
  bool known = who.roles_known && who.known.info.roles_hash() == now.roles_hash();
  auto roles = std::move(*who.known.info.mutable_roles());
  who.known.info = now;
  if (known)
    *who.known.info.mutable_roles() = std::move(roles);
  else if (now.roles_hash() == own_.info.roles_hash())
    *who.known.info.mutable_roles() = own_.info.roles();
  else
    who.known.info.clear_roles();
  // A member that cannot tell its roles is still there.
  who.roles_known = known || now.roles_hash() == own_.info.roles_hash()
                    || !has(news.features(), link_feature::member_roles);
}

void membership_logic::opened(step_context& context, const LinkOpened& news) {
  auto who = find(node_from_bytes(news.peer().id()));
  if (!who)
    return;
  auto before = who->known.info.SerializeAsString();
  meet(*who, news);
  context.out.debug(component, [&] {
    return called(*who) + " has link " + std::to_string(news.link()) + ", incarnation "
           + std::to_string(news.peer().incarnation())
           + (who->roles_known ? "" : "; its roles are still to come");
  });
  if (news.peer().roles_hash() != own_.info.roles_hash())
    tell_roles(context, *who, false);
  if (!who->roles_known) { // `came` goes on
    if (who->known.state == MEMBER_UP)
      change(context, *who, MEMBER_SUSPECT, "it has begun a new life with other roles");
    return;
  }
  if (who->known.state == MEMBER_UP && who->known.info.SerializeAsString() != before)
    announce(context); // it is another life of the member, or the member moved
  change(context, *who, MEMBER_UP, "linked");
}

/// The names of this node's roles, in pieces that pass others on the link.
void membership_logic::tell_roles(step_context& context, const peer& who, bool answer) const {
  MemberRoles piece;
  std::size_t bytes = 0;
  std::uint32_t first = 0;
  auto total = static_cast<std::uint32_t>(own_.info.roles_size());
  auto send = [&](std::uint32_t next) {
    piece.set_incarnation(own_.info.incarnation());
    piece.set_roles_hash(own_.info.roles_hash());
    piece.set_first(std::exchange(first, next));
    piece.set_total(total);
    piece.set_answer(answer && next == total);
    auto message =
        make_envelope(message_kind::event, address::of(service::membership, who.known.id),
                      std::exchange(piece, {}));
    message.sender = self_;
    context.out.send(std::move(message));
    bytes = 0;
  };
  for (std::uint32_t i = 0; i < total; ++i) {
    *piece.add_roles() = own_.info.roles(static_cast<int>(i));
    bytes += own_.info.roles(static_cast<int>(i)).name().size() + sizeof(RoleName);
    if (bytes >= limits::member_roles_bytes_aim && i + 1 < total)
      send(i + 1);
  }
  send(total);
}

/// A piece of a member's list. A piece that does not fit the one before it comes from a link that
/// is over.
void membership_logic::came(step_context& context, node_id from, const MemberRoles& news) {
  auto who = find(from);
  if (!who || who->link == 0)
    return;
  if (news.answer())
    tell_roles(context, *who, false);
  const auto& info = who->known.info;
  if (news.incarnation() != info.incarnation() || news.roles_hash() != info.roles_hash()
      || news.total() > limits::member_roles_max)
    return;
  if (news.first() == 0)
    who->came.clear();
  if (news.first() != who->came.size() || who->roles_known
      || static_cast<std::size_t>(news.roles_size()) > news.total() - who->came.size())
    return;
  who->came.insert(who->came.end(), news.roles().begin(), news.roles().end());
  if (who->came.size() < news.total())
    return;
  who->known.info.mutable_roles()->Assign(who->came.begin(), who->came.end());
  who->came = {};
  who->roles_known = true;
  context.out.debug(component, [&] {
    return called(*who) + " has told its " + std::to_string(news.total()) + " roles";
  });
  change(context, *who, MEMBER_UP, "linked");
}

void membership_logic::closed(step_context& context, const LinkClosed& news) {
  auto who = find(node_from_bytes(news.node()));
  if (!who)
    return;
  context.out.debug(component, [&] {
    return called(*who)
           + (news.refused() ? " cannot be dialled: "
                             : " has lost link " + std::to_string(news.link()) + ": ")
           + news.why();
  });
  if (news.refused()) {
    // Nobody listens at its address: it is down, and there is nothing to wait for.
    if (who->link == 0)
      change(context, *who, MEMBER_DOWN, news.why());
  } else if (news.link() == who->link) {
    who->link = 0;
    who->came = {};
    change(context, *who, MEMBER_SUSPECT, news.why());
  }
}

void membership_logic::change(step_context& context, peer& who, MemberState state,
                              std::string_view why) {
  if (who.known.state == state)
    return; // nobody needs to hear what they know
  auto index = static_cast<std::uint32_t>(&who - peers_.data());
  context.out.arm(index, state == MEMBER_SUSPECT
                             ? std::chrono::nanoseconds{limits::down_after_silence}
                             : std::chrono::nanoseconds{0});
  context.out.log(state == MEMBER_UP ? log_level::info : log_level::warning, component,
                  called(who) + " is " + std::string{to_string(state)} + ": " + std::string{why});
  who.known.state = state;
  announce(context);
}

void membership_logic::announce(step_context& context) {
  ++epoch_;
  auto now = view();
  auto change = to_proto(*now);
  context.out.debug(component, [&] {
    auto text = "view " + std::to_string(epoch_) + ":";
    for (const auto& m : now->members)
      text += " " + m.info.name() + " " + std::string{to_string(m.state)};
    return text;
  });
  if (given_.publish)
    given_.publish(std::move(now));
  for (auto svc : given_.told)
    tell(context, address::of(svc, self_.node), change);
}

void membership_logic::tell(step_context& context, const address& whom,
                            MembersChanged change) const {
  auto message = make_envelope(message_kind::event, whom, std::move(change));
  message.sender = self_;
  context.out.send(std::move(message));
}

std::string membership_logic::called(const peer& who) {
  return who.known.info.name() + " (" + who.known.info.address() + ")";
}

std::shared_ptr<member_view> membership_logic::view() const {
  auto view = std::make_shared<member_view>();
  view->epoch = epoch_;
  view->members.push_back(own_);
  for (const auto& p : peers_)
    view->members.push_back(p.known);
  std::sort(view->members.begin(), view->members.end(),
            [](const member& a, const member& b) { return a.id < b.id; });
  return view;
}

membership_logic::peer* membership_logic::find(node_id id) {
  auto found =
      std::find_if(peers_.begin(), peers_.end(), [id](const peer& p) { return p.known.id == id; });
  return found == peers_.end() ? nullptr : &*found;
}

} // namespace troupe
