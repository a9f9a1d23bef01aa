#include "actors/coordination/desk_logic.hpp"
#include "config/limits/links.hpp"
#include "config/limits/work.hpp"
#include "tests/unit/coordination/hand.hpp"

namespace troupe::tests {
namespace {

const auto roles_client = address::of_session({42}, node_a);

struct no_traces final : trace_source {
  std::vector<SpanData> spans_of(trace_id) const override { return {}; }
  std::optional<trace_id> last_trace() const override { return std::nullopt; }
};

std::string numbered(const std::string& stem, int i) {
  auto digits = std::to_string(i);
  return stem + std::string(4 - digits.size(), '0') + digits;
}

role_table roles_named(const std::string& stem, int count, std::size_t description_bytes) {
  role_table table;
  for (int i = 0; i < count; ++i) {
    auto made = std::make_shared<role>();
    made->info.set_name(numbered(stem, i));
    made->info.set_description(std::string(description_bytes, 'd'));
    made->info.set_for_talk(i % 2 == 0);
    made->info.set_for_tasks(true);
    table[made->info.name()] = made;
  }
  return table;
}

Member member_with(node_id id, const role_table& roles, MemberState state = MEMBER_UP) {
  auto made = make_member(id, state, 2, {});
  for (const auto& [called, kind] : roles)
    add_role(*made.mutable_info(), kind->info);
  return made;
}

/// The desk of node `a`, and other desks that answer when the test wants.
class roles_at_desk : public ::testing::Test {
protected:
  role_table own = roles_named("b", 500, 2'048);
  role_table other = roles_named("a", 500, 2'048);
  no_traces traces;
  desk_logic logic{{"demo", &own}, [] { return NodeStatus{}; }, traces};
  desk_logic other_logic{{"demo", &other}, [] { return NodeStatus{}; }, traces};
  hand by{logic, service::desk};
  hand there{other_logic, service::desk, node_b};

  void members(MemberState b = MEMBER_UP) {
    by.tell(make_members({member_with(node_a, own), member_with(node_b, other, b)}));
  }

  /// Lets the other desk answer its questions and delivers the answers.
  void answer() {
    for (auto& asked : by.take_envelopes<RolesQuery>()) {
      there.ask(*asked.body.as<RolesQuery>(), asked.sender);
      for (auto& reply : there.take_envelopes<RolesListed>()) {
        reply.id = asked.id;
        reply.target = asked.sender;
        by.give(std::move(reply));
      }
    }
  }

  RolesListed page(RolesQuery query) {
    by.ask(std::move(query), roles_client);
    answer();
    auto listed = by.take<RolesListed>();
    EXPECT_EQ(listed.size(), 1u);
    return listed.empty() ? RolesListed{} : listed[0];
  }

  std::vector<RoleInfo> all_pages(RolesQuery query) {
    std::vector<RoleInfo> all;
    for (;;) {
      if (!all.empty())
        query.set_after(all.back().name());
      auto next = page(query);
      EXPECT_LE(next.ByteSizeLong(), limits::roles_page_bytes_aim + 8'192);
      all.insert(all.end(), next.roles().begin(), next.roles().end());
      if (!next.more() || next.roles().empty())
        return all;
    }
  }
};

RolesQuery whole() {
  RolesQuery query;
  query.set_whole_cluster(true);
  return query;
}

} // namespace

TEST_F(roles_at_desk, come_in_pages_with_everything_that_is_known_of_them) {
  members();
  auto all = all_pages({});
  ASSERT_EQ(all.size(), 500u);
  EXPECT_EQ(all.front().name(), "b0000");
  EXPECT_EQ(all.back().name(), "b0499");
  EXPECT_EQ(all.back().description().size(), 2'048u);
}

TEST_F(roles_at_desk, of_all_members_are_merged_in_order_and_told_once) {
  other.merge(roles_named("b", 10, 7)); // some that both have: the desk's own ones win
  members();
  auto all = all_pages(whole());
  ASSERT_EQ(all.size(), 1'000u);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const RoleInfo& a, const RoleInfo& b) {
    return a.name() < b.name();
  }));
  EXPECT_EQ(all[500].name(), "b0000");
  EXPECT_EQ(all[500].description().size(), 2'048u);
}

TEST_F(roles_at_desk, that_are_the_same_on_another_node_are_not_asked_for) {
  by.tell(make_members({member_with(node_a, own), member_with(node_b, own)}));
  by.ask(whole(), roles_client);
  EXPECT_TRUE(by.take_envelopes<RolesQuery>().empty());
  EXPECT_EQ(by.take<RolesListed>().size(), 1u);
}

TEST_F(roles_at_desk, are_found_by_name_here_and_there) {
  members();
  auto query = whole();
  query.set_name("b0007");
  by.ask(query, roles_client);
  EXPECT_TRUE(by.take_envelopes<RolesQuery>().empty()) << "it is here";
  ASSERT_EQ(by.take<RolesListed>().at(0).roles_size(), 1);
  query.set_name("a0007");
  auto found = page(query);
  ASSERT_EQ(found.roles_size(), 1);
  EXPECT_EQ(found.roles(0).description().size(), 2'048u);
  query.set_name("nobody");
  EXPECT_EQ(page(query).roles_size(), 0);
}

TEST_F(roles_at_desk, by_name_alone_are_answered_without_asking_anybody) {
  members(MEMBER_DOWN);
  auto query = whole();
  query.set_brief(true);
  by.ask(query, roles_client);
  EXPECT_TRUE(by.take_envelopes<RolesQuery>().empty());
  auto listed = by.take<RolesListed>();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].roles_size(), 1'000);
  EXPECT_TRUE(listed[0].roles(0).for_talk());
  EXPECT_TRUE(listed[0].roles(0).description().empty());
}

TEST_F(roles_at_desk, a_node_that_does_not_answer_is_named) {
  members();
  by.ask(whole(), roles_client);
  ASSERT_EQ(by.out.timers.size(), 1u);
  by.fire(by.out.timers[0].id);
  auto listed = by.take<RolesListed>();
  ASSERT_EQ(listed.size(), 1u);
  ASSERT_EQ(listed[0].silent_size(), 1);
  EXPECT_EQ(listed[0].silent(0), "node-b");
  EXPECT_GT(listed[0].roles_size(), 0);
}

TEST_F(roles_at_desk, who_waits_when_it_stops_is_told) {
  members();
  by.ask(whole(), roles_client);
  by.clear();
  by.stop();
  EXPECT_EQ(by.take<Failure>().size(), 1u);
}

} // namespace troupe::tests
