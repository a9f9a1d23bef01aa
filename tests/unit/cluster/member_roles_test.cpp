#include "actors/cluster/link_feature.hpp"
#include "actors/cluster/membership_logic.hpp"
#include "config/limits/links.hpp"
#include "messages/cluster.pb.h"

#include <gtest/gtest.h>

#include <array>

/// What members tell each other about their roles.
namespace troupe {

namespace {

struct fixed_random : random_source {
  std::uint64_t next() override { return ++last; }
  std::uint64_t last = 0;
};

NodeInfo node(std::uint64_t id) {
  NodeInfo info;
  info.set_id(to_bytes(node_id{0, id}));
  info.set_name("node-" + std::to_string(id));
  info.set_address("127.0.0.1:" + std::to_string(4000 + id));
  return info;
}

RoleInfo role(std::string called, std::string description = "does things") {
  RoleInfo info;
  info.set_name(std::move(called));
  info.set_description(std::move(description));
  info.set_for_tasks(true);
  return info;
}

/// Two memberships and the messages between them.
struct two_memberships : testing::Test {
  struct end {
    outputs out;
    std::shared_ptr<const member_view> view;
    std::optional<membership_logic> logic;
    std::vector<envelope> told; ///< messages to services of its own node
    std::size_t pieces = 0;     ///< how many pieces it sent
  };

  static NodeInfo with_roles(std::uint64_t id, std::size_t count, std::size_t name_bytes = 8) {
    auto info = node(id);
    info.set_incarnation(1);
    for (std::size_t i = 0; i < count; ++i) {
      auto text = std::to_string(i);
      add_role(info, role(std::string(name_bytes - std::min(name_bytes, text.size()), 'r') + text));
    }
    return info;
  }

  void start(NodeInfo a, NodeInfo b) {
    infos = {std::move(a), std::move(b)};
    for (std::size_t i = 0; i < 2; ++i) {
      membership_logic::options options;
      options.self = infos[i];
      options.others = {node(2 - i)};
      options.publish = [this, i](auto next) { ends[i].view = std::move(next); };
      options.told = {service::coordinator};
      ends[i].logic.emplace(std::move(options));
      drive(i, [&](step_context& context) {
        ends[i].logic->start(context, address::of(service::membership, {0, i + 1}));
      });
    }
  }

  void link(std::uint64_t number, std::uint64_t features = own_link_features) {
    for (std::size_t i = 0; i < 2; ++i) {
      LinkOpened opened;
      *opened.mutable_peer() = infos[1 - i];
      opened.mutable_peer()->clear_roles(); // like in a Hello
      opened.set_link(number);
      opened.set_features(features);
      give(i, make_envelope(message_kind::event, {}, std::move(opened)));
    }
  }

  void give(std::size_t i, envelope message) {
    drive(i, [&](step_context& context) { ends[i].logic->step(context, std::move(message)); });
  }

  template <class Step>
  void drive(std::size_t i, Step step) {
    step_context context{instant{}, random, ends[i].out};
    step(context);
    for (auto& sent : std::exchange(ends[i].out.sends, {})) {
      if (sent.target.node != node_id{0, 2 - i}) {
        ends[i].told.push_back(std::move(sent));
        continue;
      }
      std::string bytes;
      sent.body.append_to(bytes);
      longest = std::max(longest, bytes.size());
      ++ends[i].pieces;
      on_their_way.emplace_back(1 - i, std::move(sent));
    }
  }

  void deliver() {
    while (!on_their_way.empty()) {
      auto [to, message] = std::move(on_their_way.front());
      on_their_way.erase(on_their_way.begin());
      give(to, std::move(message));
    }
  }

  const member& seen(std::size_t by) const { return *ends[by].view->find({0, 2 - by}); }

  fixed_random random;
  std::array<NodeInfo, 2> infos;
  std::array<end, 2> ends;
  std::vector<std::pair<std::size_t, envelope>> on_their_way;
  std::size_t longest = 0;
};

} // namespace

TEST_F(two_memberships, that_have_the_same_roles_send_none) {
  start(with_roles(1, 500), with_roles(2, 500));
  link(1);
  EXPECT_TRUE(on_their_way.empty());
  EXPECT_EQ(seen(0).state, MEMBER_UP);
  EXPECT_EQ(seen(0).info.roles_size(), 500);
}

TEST_F(two_memberships, that_differ_tell_each_other_and_are_up_when_all_is_known) {
  start(with_roles(1, 3), with_roles(2, 2'000, 200));
  link(1);
  EXPECT_EQ(seen(0).state, MEMBER_SUSPECT) << "nobody knows yet what it can do";
  deliver();
  EXPECT_EQ(seen(0).state, MEMBER_UP);
  EXPECT_EQ(seen(1).state, MEMBER_UP);
  EXPECT_EQ(seen(0).info.roles_size(), 2'000);
  EXPECT_EQ(seen(1).info.roles_size(), 3);
  EXPECT_GT(ends[1].pieces, 5u);
  EXPECT_LE(longest, 2 * limits::member_roles_bytes_aim);
}

TEST_F(two_memberships, a_node_without_roles_is_up_too) {
  start(with_roles(1, 0), with_roles(2, 4));
  link(1);
  deliver();
  EXPECT_EQ(seen(0).state, MEMBER_UP);
  EXPECT_EQ(seen(1).state, MEMBER_UP);
  EXPECT_EQ(seen(1).info.roles_size(), 0);
}

TEST_F(two_memberships, one_that_cannot_tell_its_roles_is_up_without) {
  start(with_roles(1, 3), with_roles(2, 4));
  link(1, 0);
  EXPECT_EQ(seen(0).state, MEMBER_UP);
  EXPECT_EQ(seen(0).info.roles_size(), 0);
}

TEST_F(two_memberships, what_is_known_stays_known_over_another_link) {
  start(with_roles(1, 3), with_roles(2, 4));
  link(1);
  deliver();
  auto epoch = ends[0].view->epoch;
  link(2);
  EXPECT_EQ(seen(0).state, MEMBER_UP);
  EXPECT_EQ(seen(0).info.roles_size(), 4);
  EXPECT_EQ(ends[0].view->epoch, epoch);
}

TEST_F(two_memberships, pieces_of_a_link_that_is_over_are_passed_over) {
  start(with_roles(1, 3), with_roles(2, 2'000, 200));
  link(1);
  auto late = std::move(on_their_way);
  on_their_way.clear();
  link(2); // then the whole list again
  on_their_way.insert(on_their_way.begin(), std::make_move_iterator(late.begin() + 4),
                      std::make_move_iterator(late.end()));
  deliver();
  EXPECT_EQ(seen(0).state, MEMBER_UP);
  EXPECT_EQ(seen(0).info.roles_size(), 2'000);
  EXPECT_EQ(seen(0).info.roles(1'999).name().size(), 200u);
}

TEST_F(two_memberships, one_that_is_started_again_asks_for_what_it_forgot) {
  start(with_roles(1, 3), with_roles(2, 4));
  link(1);
  deliver();
  membership_logic::options options;
  options.self = infos[0];
  options.others = {node(2)};
  options.publish = [this](auto next) { ends[0].view = std::move(next); };
  options.links = [this] {
    LinkOpened there;
    *there.mutable_peer() = infos[1];
    there.mutable_peer()->clear_roles();
    there.set_link(1);
    there.set_features(own_link_features);
    return std::vector{there};
  };
  ends[0].logic.emplace(std::move(options));
  drive(0, [&](step_context& context) {
    ends[0].logic->start(context, address::of(service::membership, {0, 1}));
  });
  EXPECT_NE(seen(0).state, MEMBER_UP);
  deliver();
  EXPECT_EQ(seen(0).state, MEMBER_UP);
  EXPECT_EQ(seen(0).info.roles_size(), 4);
}

TEST_F(two_memberships, a_new_life_with_other_roles_is_up_when_they_are_known) {
  start(with_roles(1, 3), with_roles(2, 4));
  link(1);
  deliver();
  infos[1] = with_roles(2, 9);
  infos[1].set_incarnation(2);
  membership_logic::options options;
  options.self = infos[1];
  options.others = {node(1)};
  options.publish = [this](auto next) { ends[1].view = std::move(next); };
  ends[1].logic.emplace(std::move(options));
  drive(1, [&](step_context& context) {
    ends[1].logic->start(context, address::of(service::membership, {0, 2}));
  });
  link(2);
  EXPECT_EQ(seen(0).state, MEMBER_SUSPECT);
  deliver();
  EXPECT_EQ(seen(0).state, MEMBER_UP);
  EXPECT_EQ(seen(0).info.roles_size(), 9);
  EXPECT_EQ(seen(0).info.incarnation(), 2u);
}

TEST(members, of_a_full_cluster_with_long_roles_are_told_of_by_names_alone) {
  member_view view;
  std::string description(2'048, 'd');
  for (std::uint64_t id = 1; id <= 64; ++id) {
    auto info = node(id);
    for (int i = 0; i < 500; ++i)
      add_role(info, role("role-" + std::to_string(i), description));
    view.members.push_back({{0, id}, MEMBER_UP, std::move(info)});
  }
  auto change = to_proto(view);
  EXPECT_EQ(change.members(63).info().roles_size(), 500);
  EXPECT_LT(change.ByteSizeLong(), std::size_t{1} << 20) << "with descriptions it would be 64 MiB";
}

} // namespace troupe
