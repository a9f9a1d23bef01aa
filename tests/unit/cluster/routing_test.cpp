#include "actors/cluster/routing.hpp"

#include "config/limits/mailboxes.hpp"
#include "messages/agents.pb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe {

namespace {

using testing::HasSubstr;

constexpr node_id here{0, 1}, there{0, 2}, stranger{0, 9};

NodeInfo info_of(node_id id, const std::string& called) {
  NodeInfo info;
  info.set_id(to_bytes(id));
  info.set_name(called);
  info.set_address(called + ":1");
  return info;
}

member_view two_members(MemberState other = MEMBER_UP) {
  auto view = configured_view(info_of(here, "here"), {info_of(there, "there")});
  for (auto& one : view.members)
    if (one.id == there)
      one.state = other;
  return view;
}

/// An agent whose home is that member.
name agent_of(node_id home) {
  for (int i = 0;; ++i)
    if (name made{"echo/" + std::to_string(i)}; home_of(made, two_members()) == home)
      return made;
}

envelope request_to(address target) {
  auto made = make_envelope(message_kind::request, std::move(target), AgentMessage{});
  made.sender = address::of_session({7});
  made.id = {{7}, 1};
  return made;
}

} // namespace

/// The state of durable agents is at their homes: no version may move them.
TEST(routing, homes_are_the_same_in_every_version) {
  std::string homes;
  for (int i = 0; i < 16; ++i)
    homes += home_of(name{"echo/" + std::to_string(i)}, two_members()) == here ? 'h' : 't';
  EXPECT_EQ(homes, "htthththhthhhhtt");
}

TEST(routing, what_names_another_node_goes_out_whatever_it_is) {
  EXPECT_EQ(next_hop_of(address::of(service::queue, there), here), next_hop::out);
  EXPECT_EQ(next_hop_of(address::of_agent(name{"echo/1"}, there), here), next_hop::out);
  EXPECT_EQ(next_hop_of(address::of_session({7}, there), here), next_hop::out);
}

TEST(routing, what_is_of_this_node_stays_but_clients_are_behind_a_link) {
  for (auto node : {node_id{}, here}) {
    EXPECT_EQ(next_hop_of(address::of(service::queue, node), here), next_hop::service);
    EXPECT_EQ(next_hop_of(address::of_agent(name{"echo/1"}, node), here), next_hop::agent);
    EXPECT_EQ(next_hop_of(address::of_session({7}, node), here), next_hop::out);
  }
}

TEST(routing, an_agent_is_started_at_its_home_whatever_node_the_sender_named) {
  auto view = two_members();
  auto mine = address::of_agent(agent_of(here), here);
  auto other = address::of_agent(agent_of(there), here);
  EXPECT_TRUE(is_started_here(mine, view, here));
  EXPECT_FALSE(is_started_here(other, view, here));
  EXPECT_EQ(other.node, here) << "its sender hears that this is not its home";
  EXPECT_THAT(unreachable(other, view, here).message, HasSubstr("is at home on there (there:1)"));
}

TEST(routing, an_agent_without_a_node_is_sent_to_its_home) {
  auto target = address::of_agent(agent_of(there));
  EXPECT_FALSE(is_started_here(target, two_members(), here));
  EXPECT_EQ(target.node, there);
  EXPECT_EQ(next_hop_of(target, here), next_hop::out);
}

TEST(routing, no_agent_has_a_home_before_the_members_are_known_but_a_slot_needs_none) {
  auto agent = address::of_agent(name{"echo/1"}), slot = address::of_agent(name{"echo#1"}, here);
  EXPECT_FALSE(is_started_here(agent, {}, here));
  EXPECT_TRUE(is_started_here(slot, {}, here));
  EXPECT_THAT(unreachable(agent, {}, here).message, HasSubstr("not known yet"));
}

TEST(routing, a_message_goes_round_a_bounded_number_of_times) {
  auto message = request_to(address::of_agent(name{"echo/1"}));
  for (int i = 0; i < limits::activations_max; ++i)
    EXPECT_TRUE(may_go_around(message));
  EXPECT_FALSE(may_go_around(message));
}

TEST(routing, only_a_request_of_somebody_is_answered_and_by_the_node_that_says_so) {
  auto message = request_to(address::of(service::queue, there));
  auto answer = refusal(message, {ec::unavailable, "no"}, here);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->sender.node, here);
  EXPECT_EQ(answer->target, message.sender);
  message.sender = {};
  EXPECT_FALSE(refusal(message, {ec::unavailable, "no"}, here));
  message = request_to(address::of(service::queue, there));
  message.kind = message_kind::event;
  EXPECT_FALSE(refusal(message, {ec::unavailable, "no"}, here));
}

TEST(routing, an_agent_that_asks_for_a_reader_who_is_not_there_is_told_so) {
  auto agent = address::of_agent(name{"echo/1"}, there);
  auto client = address::of_session({7}, here);
  auto question = make_envelope(message_kind::piece, client, PiecesAsked{});
  question.sender = agent;
  question.id = {{7}, 1};
  auto answer = refusal(question, {ec::unavailable, "no"}, here);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->kind, message_kind::acknowledge);
  EXPECT_EQ(answer->id, question.id);
  EXPECT_EQ(answer->target, agent);
  EXPECT_EQ(answer->sender, client) << "as the agent knows its asker";
  EXPECT_TRUE(answer->body.as<PiecesTaken>()->gone());
  auto piece = make_envelope(message_kind::piece, client, Piece{});
  piece.sender = agent;
  EXPECT_FALSE(refusal(piece, {ec::unavailable, "no"}, here)) << "one question is enough";
}

TEST(routing, who_cannot_be_reached_hears_which_node_and_how_it_is) {
  auto at = [](node_id node) { return address::of(service::desk, node); };
  EXPECT_THAT(unreachable(at(here), two_members(), here).message, HasSubstr("being restarted"));
  EXPECT_THAT(unreachable(at(there), two_members(MEMBER_DOWN), here).message,
              HasSubstr("there (there:1), which is down"));
  EXPECT_THAT(unreachable(at(there), two_members(), here).message, HasSubstr("was just lost"));
  EXPECT_THAT(unreachable(at(stranger), two_members(), here).message,
              HasSubstr("not a member of this cluster"));
}

TEST(routing, a_link_that_takes_nothing_gives_the_reason) {
  auto target = address::of(service::desk, there);
  auto code = [&](outbox::put_result why) {
    return not_put(why, target, two_members(), here).code;
  };
  EXPECT_EQ(code(outbox::put_result::overloaded), ec::overloaded);
  EXPECT_EQ(code(outbox::put_result::too_large), ec::too_large);
  EXPECT_EQ(code(outbox::put_result::closed), ec::unavailable);
}

} // namespace troupe
