#include "actors/cluster/routing.hpp"

#include "config/limits/links.hpp"
#include "config/limits/mailboxes.hpp"
#include "messages/agents.pb.h"

namespace troupe {

namespace {

std::string describe(node_id node, const member_view& members) {
  auto known = members.find(node);
  return known ? known->info.name() + " (" + known->info.address() + ")" : to_string(node);
}

failure not_at_home(const address& target, const member_view& members, node_id self) {
  auto agent = to_string(target);
  auto home = home_of(target.agent, members);
  if (!home)
    return {ec::unavailable,
            "the home of " + agent + " is not known yet: this node is starting; try again"};
  return {ec::unavailable, agent + " is at home on " + describe(home, members) + ", not on "
                               + describe(self, members) + ": send to it by its name alone"};
}

} // namespace

next_hop next_hop_of(const address& target, node_id self) noexcept {
  if (target.node && target.node != self)
    return next_hop::out;
  switch (target.what) {
    case address::kind::service:
      return next_hop::service;
    case address::kind::agent:
      return next_hop::agent;
    case address::kind::session:
    case address::kind::none:
      break;
  }
  return next_hop::out;
}

bool is_started_here(address& target, const member_view& members, node_id self) {
  if (is_pool_slot(target.agent))
    return true; // slots have no home: each node has its own
  auto home = home_of(target.agent, members);
  if (!target.node)
    target.node = home;
  return home == self;
}

bool may_go_around(envelope& message) { return ++message.activations <= limits::activations_max; }

std::optional<envelope> refusal(const envelope& message, const failure& why, node_id self) {
  if (message.kind == message_kind::piece && message.body.kind() == payload_kind::PiecesAsked) {
    PiecesTaken told;
    told.set_gone(true);
    return reply_to(message, std::move(told), message_kind::acknowledge);
  }
  if (message.kind != message_kind::request || message.sender.empty())
    return std::nullopt;
  auto reply = reply_failure(message, why);
  reply.sender.node = self; // this node says so, whoever it was for
  return reply;
}

failure unreachable(const address& target, const member_view& members, node_id self) {
  bool here = !target.node || target.node == self;
  if (target.what == address::kind::service && here)
    return {ec::unavailable, std::string{to_string(target.svc)} + " is being restarted"};
  if (target.what == address::kind::agent && here)
    return not_at_home(target, members, self);
  auto known = members.find(target.node);
  auto state = !known                      ? ", which is not a member of this cluster"
               : known->state == MEMBER_UP ? ", but the link to it was just lost; try again"
                                           : ", which is " + std::string{to_string(known->state)};
  return {ec::unavailable, to_string(target) + " is on " + describe(target.node, members) + state};
}

failure has_too_much_to_do(const address& target) {
  return {ec::overloaded, to_string(target) + " has too much to do; try again later"};
}

failure ends_at_once(const address& agent) {
  return {ec::unavailable, to_string(agent) + " ends as soon as it is started; try again later"};
}

failure cannot_be_started(const address& agent) {
  return {ec::unavailable, to_string(agent)
                               + " cannot be started now: its node is stopping, or is being "
                                 "repaired"};
}

failure not_put(outbox::put_result why, const address& target, const member_view& members,
                node_id self) {
  switch (why) {
    case outbox::put_result::overloaded:
      return {ec::overloaded, "the link to where " + to_string(target)
                                  + " is has too much to send; try again later"};
    case outbox::put_result::too_large:
      return {ec::too_large,
              "a message of more than " + std::to_string(limits::payload_bytes_max) + " bytes"};
    case outbox::put_result::queued:
    case outbox::put_result::closed:
      break;
  }
  return unreachable(target, members, self);
}

} // namespace troupe
