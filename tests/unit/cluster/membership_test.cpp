#include "actors/cluster/membership_logic.hpp"
#include "config/limits/links.hpp"
#include "messages/cluster.pb.h"

#include <gtest/gtest.h>

namespace troupe {

namespace {

struct same_random : random_source {
  std::uint64_t next() override { return ++last; }
  std::uint64_t last = 0;
};

NodeInfo node_numbered(std::uint64_t id) {
  NodeInfo info;
  info.set_id(to_bytes(node_id{0, id}));
  info.set_name("node-" + std::to_string(id));
  info.set_address("127.0.0.1:" + std::to_string(4000 + id));
  return info;
}

struct membership_fixture : testing::Test {
  membership_fixture() {
    membership_logic::options options;
    options.self = node_numbered(1);
    options.others = {node_numbered(2), node_numbered(3)};
    options.publish = [this](auto published) { view = std::move(published); };
    options.told = {service::coordinator};
    logic.emplace(std::move(options));
    logic->start(context, address::of(service::membership, {0, 1}));
  }

  void open(std::uint64_t id, std::uint64_t link) {
    LinkOpened opened;
    *opened.mutable_peer() = node_numbered(id);
    opened.set_link(link);
    logic->step(context, make_envelope(message_kind::event, {}, std::move(opened)));
  }

  void close(std::uint64_t id, std::uint64_t link, bool refused = false) {
    LinkClosed closed;
    closed.set_node(to_bytes(node_id{0, id}));
    closed.set_link(link);
    closed.set_refused(refused);
    logic->step(context, make_envelope(message_kind::event, {}, std::move(closed)));
  }

  MemberState state(std::uint64_t id) const { return view->find({0, id})->state; }

  same_random random;
  outputs out;
  step_context context{instant{}, random, out};
  std::shared_ptr<const member_view> view;
  std::optional<membership_logic> logic;
};

} // namespace

TEST_F(membership_fixture, peers_begin_suspect_and_come_up_with_their_link) {
  EXPECT_EQ(state(1), MEMBER_UP);
  EXPECT_EQ(state(2), MEMBER_SUSPECT);
  open(2, 7);
  EXPECT_EQ(state(2), MEMBER_UP);
  EXPECT_EQ(state(3), MEMBER_SUSPECT);
}

TEST_F(membership_fixture, a_closed_link_makes_suspect_and_time_makes_down) {
  open(2, 7);
  out = {};
  close(2, 7);
  EXPECT_EQ(state(2), MEMBER_SUSPECT);
  ASSERT_EQ(out.timers.size(), 1u);
  EXPECT_EQ(out.timers[0].after, limits::down_after_silence);
  logic->step(context, timer_fired{out.timers[0].id});
  EXPECT_EQ(state(2), MEMBER_DOWN);
  open(2, 8);
  EXPECT_EQ(state(2), MEMBER_UP);
}

TEST_F(membership_fixture, the_end_of_a_replaced_link_changes_nothing) {
  open(2, 7);
  open(2, 8);
  close(2, 7);
  EXPECT_EQ(state(2), MEMBER_UP);
}

TEST_F(membership_fixture, a_refused_connection_is_down_at_once) {
  close(3, 0, true);
  EXPECT_EQ(state(3), MEMBER_DOWN);
}

TEST_F(membership_fixture, a_refused_dial_is_told_once) {
  close(3, 0, true);
  auto epoch = view->epoch;
  out = {};
  for (int i = 0; i < 60; ++i)
    close(3, 0, true);
  EXPECT_EQ(view->epoch, epoch);
  EXPECT_TRUE(out.sends.empty() && out.logs.empty());
}

TEST_F(membership_fixture, a_second_link_to_the_same_life_is_no_news) {
  open(2, 7);
  auto epoch = view->epoch;
  out = {};
  open(2, 8);
  EXPECT_EQ(view->epoch, epoch);
  EXPECT_TRUE(out.sends.empty());
}

TEST_F(membership_fixture, a_new_life_is_told_though_the_member_was_never_missed) {
  open(2, 7);
  auto epoch = view->epoch;
  LinkOpened opened;
  *opened.mutable_peer() = node_numbered(2);
  opened.mutable_peer()->set_incarnation(5);
  opened.set_link(8);
  logic->step(context, make_envelope(message_kind::event, {}, std::move(opened)));
  EXPECT_GT(view->epoch, epoch);
  EXPECT_EQ(view->find({0, 2})->info.incarnation(), 5u);
  EXPECT_EQ(state(2), MEMBER_UP);
}

TEST_F(membership_fixture, a_refused_second_connection_does_not_touch_a_good_link) {
  open(3, 1);
  close(3, 0, true);
  EXPECT_EQ(state(3), MEMBER_UP);
}

TEST_F(membership_fixture, strangers_are_ignored) {
  auto before = view->epoch;
  open(9, 1);
  EXPECT_EQ(view->epoch, before);
  EXPECT_EQ(view->find({0, 9}), nullptr);
}

TEST_F(membership_fixture, every_change_has_a_new_epoch_and_is_told) {
  auto before = view->epoch;
  out = {};
  open(2, 7);
  EXPECT_GT(view->epoch, before);
  ASSERT_EQ(out.sends.size(), 1u);
  EXPECT_EQ(out.sends[0].target.svc, service::coordinator);
  EXPECT_EQ(out.sends[0].body.as<MembersChanged>()->members_size(), 3);
}

TEST_F(membership_fixture, one_that_is_started_again_knows_the_links_that_are_there) {
  std::vector<std::shared_ptr<const member_view>> published;
  membership_logic::options options;
  options.self = node_numbered(1);
  options.others = {node_numbered(2), node_numbered(3)};
  options.publish = [&](auto next) { published.push_back(std::move(next)); };
  options.epoch = 41;
  options.links = [] {
    LinkOpened there;
    *there.mutable_peer() = node_numbered(2);
    there.set_link(7);
    return std::vector{there};
  };
  logic.emplace(std::move(options));
  out = {};
  logic->start(context, address::of(service::membership, {0, 1}));
  ASSERT_EQ(published.size(), 1u);
  EXPECT_EQ(published[0]->epoch, 42u);
  EXPECT_EQ(published[0]->find({0, 2})->state, MEMBER_UP);
  EXPECT_EQ(published[0]->find({0, 3})->state, MEMBER_SUSPECT);
  ASSERT_EQ(out.timers.size(), 1u) << "only who is not there is waited for";
  close(2, 7);
  EXPECT_EQ(published.back()->find({0, 2})->state, MEMBER_SUSPECT);
}

TEST_F(membership_fixture, who_asks_is_told_of_the_members) {
  out = {};
  logic->step(context, ask_for_members(address::of(service::desk, {0, 1})));
  ASSERT_EQ(out.sends.size(), 1u);
  EXPECT_EQ(out.sends[0].target.svc, service::desk);
  EXPECT_EQ(out.sends[0].body.as<MembersChanged>()->members_size(), 3);
}

TEST(homes, are_spread_evenly_and_stay_when_states_change) {
  member_view view;
  for (std::uint64_t i = 1; i <= 3; ++i)
    view.members.push_back({{i * 77, i}, MEMBER_UP, {}});
  std::map<node_id, int> count;
  for (int i = 0; i < 3000; ++i) {
    name agent{"librarian/" + std::to_string(i)};
    auto home = home_of(agent, view);
    ++count[home];
    auto other = view;
    other.members[0].state = MEMBER_DOWN;
    EXPECT_EQ(home_of(agent, other), home) << "a member that is down keeps its agents";
  }
  for (auto& [id, agents] : count)
    EXPECT_NEAR(agents, 1000, 150);
  EXPECT_EQ(count.size(), 3u);
}

TEST(homes, only_the_agents_of_a_removed_member_move) {
  member_view three, two;
  for (std::uint64_t i = 1; i <= 3; ++i)
    three.members.push_back({{i * 77, i}, MEMBER_UP, {}});
  two.members = {three.members[0], three.members[1]};
  for (int i = 0; i < 1000; ++i) {
    name agent{"a/" + std::to_string(i)};
    if (auto home = home_of(agent, three); home != three.members[2].id) {
      EXPECT_EQ(home_of(agent, two), home);
    }
  }
}

} // namespace troupe
