#include "actors/cluster/membership_logic.hpp"

#include "config/limits/links.hpp"
#include "messages/cluster.pb.h"

#include <algorithm>

namespace troupe {

membership_logic::membership_logic(options given) : given_(std::move(given)), epoch_(given_.epoch) {
  own_ = {node_from_bytes(given_.self.id()), MEMBER_UP, given_.self};
  for (const auto& other : given_.others)
    peers_.push_back({{node_from_bytes(other.id()), MEMBER_SUSPECT, other}, 0});
}

void membership_logic::start(step_context& context, const address& self) {
  self_ = self;
  for (const auto& there : given_.links ? given_.links() : std::vector<LinkOpened>{})
    if (auto who = find(node_from_bytes(there.peer().id()))) {
      who->link = there.link();
      who->known.info = there.peer();
      who->known.state = MEMBER_UP;
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
  else if (message.body.as<MembersQuery>())
    tell(context, message.sender, to_proto(*view()));
  else if (message.kind == message_kind::request)
    context.out.send(reply_failure(
        message, {ec::invalid_argument,
                  "membership takes no " + std::string{to_string(message.body.kind())}}));
}

void membership_logic::opened(step_context& context, const LinkOpened& news) {
  auto who = find(node_from_bytes(news.peer().id()));
  if (!who)
    return;
  who->link = news.link();
  who->known.info = news.peer();
  change(context, *who, MEMBER_UP, "linked");
}

void membership_logic::closed(step_context& context, const LinkClosed& news) {
  auto who = find(node_from_bytes(news.node()));
  if (!who)
    return;
  if (news.refused()) {
    // Nobody listens where it should be: it is down, there is nothing to wait for.
    if (who->link == 0)
      change(context, *who, MEMBER_DOWN, news.why());
  } else if (news.link() == who->link) {
    who->link = 0;
    change(context, *who, MEMBER_SUSPECT, news.why());
  }
}

void membership_logic::change(step_context& context, peer& who, MemberState state,
                              std::string_view why) {
  auto index = static_cast<std::uint32_t>(&who - peers_.data());
  context.out.arm(index, state == MEMBER_SUSPECT
                             ? std::chrono::nanoseconds{limits::down_after_silence}
                             : std::chrono::nanoseconds{0});
  if (who.known.state != state)
    context.out.log(state == MEMBER_UP ? log_level::info : log_level::warning, "membership",
                    who.known.info.name() + " (" + who.known.info.address() + ") is "
                        + std::string{to_string(state)} + ": " + std::string{why});
  who.known.state = state;
  announce(context);
}

void membership_logic::announce(step_context& context) {
  ++epoch_;
  auto now = view();
  auto change = to_proto(*now);
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
