#include "actors/cluster/stamp.hpp"

#include "messages/contracts.hpp"
#include "messages/runs.pb.h"

#include <gtest/gtest.h>

namespace troupe {

namespace {

constexpr node_id self{1, 1};
constexpr node_id peer_node{2, 2};
constexpr node_id another{3, 3};

Hello client() {
  Hello hello;
  hello.set_client(true);
  hello.set_session(42);
  return hello;
}

Hello hello_of_a_member() {
  Hello hello;
  hello.mutable_node()->set_id(to_bytes(peer_node));
  return hello;
}

envelope forged(address sender, address target) {
  auto message = make_envelope(message_kind::event, std::move(target), TaskDone{});
  message.sender = std::move(sender);
  message.id = {{7}, 3};
  message.tenant = name{"rich"};
  return message;
}

} // namespace

TEST(stamp, makes_a_client_speak_as_its_session_whoever_it_says_it_is) {
  for (const auto& sender :
       {address{}, address::of(service::membership), address::of(service::queue, self),
        address::of_session({7}), address::of_agent(name{"echo/a"}, another)}) {
    auto message = forged(sender, address::of(service::coordinator));
    stamp(message, client(), self);
    EXPECT_EQ(message.sender, address::of_session({42}));
    EXPECT_EQ(message.id, (message_id{{42}, 3})) << "it could fetch what session 7 was answered";
    EXPECT_TRUE(message.tenant.empty());
    EXPECT_EQ(judge(message, self), ruling::forbidden);
  }
}

TEST(stamp, makes_a_member_speak_for_itself_and_its_own_clients) {
  for (auto node : {node_id{}, self, another}) {
    auto message = forged(address::of(service::queue, node), address::of(service::coordinator));
    stamp(message, hello_of_a_member(), self);
    EXPECT_EQ(message.sender, address::of(service::queue, peer_node));
    EXPECT_EQ(message.id, (message_id{{7}, 3})) << "a number of the client that it relays for";
    auto relayed = forged(address::of_session({7}, node), address::of(service::coordinator));
    stamp(relayed, hello_of_a_member(), self);
    EXPECT_EQ(relayed.sender, address::of_session({7}, peer_node));
  }
}

TEST(stamp, lets_a_member_mean_this_node_only) {
  auto elsewhere = address::of_agent(name{"echo/a"});
  auto message = forged(address::of_session({7}), elsewhere);
  stamp(message, hello_of_a_member(), self);
  EXPECT_EQ(message.target.node, self) << "it would be passed on to the agent's home";
  auto beyond = forged(address::of(service::desk), address::of(service::desk, another));
  stamp(beyond, hello_of_a_member(), self);
  EXPECT_EQ(judge(beyond, self), ruling::forbidden);
}

} // namespace troupe
