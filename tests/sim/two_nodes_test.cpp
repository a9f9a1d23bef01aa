#include "actors/coordination/graph_yaml.hpp"
#include "messages/runs.pb.h"
#include "tests/sim/world.hpp"

#include <gtest/gtest.h>

namespace troupe::sim {

namespace {

using namespace std::chrono_literals;

constexpr auto ten_echoes = R"(
graph: ten
description: ten tasks at once
inputs:
  items: {type: list, required: true, help: what to do, example: "[1, 2]"}
tasks:
  - id: work
    role: noop
    for_each: $inputs.items
    input: {item: $item}
    attempts: 3
    limits: {time: 5s}
result: $tasks.work
)";

/// `noop` without its shortcut: its tasks go to any node.
role_table busy_roles() {
  auto roles = load_roles({});
  EXPECT_TRUE(roles) << to_string(roles.error());
  auto noop = std::make_shared<role>(*roles->at("noop"));
  noop->cheap = false;
  (*roles)["noop"] = noop;
  return *roles;
}

envelope submission() {
  auto graph = parse_graph(ten_echoes, "ten.yaml");
  EXPECT_TRUE(graph) << to_string(graph.error());
  RunSubmit submit;
  *submit.mutable_graph() = *graph;
  for (int i = 0; i < 10; ++i)
    (*submit.mutable_inputs())["items"].mutable_list()->add_items()->set_integer(i);
  return make_envelope(message_kind::request, address::of(service::coordinator), std::move(submit));
}

RunEnded* ended(world& w) {
  for (auto& message : w.received)
    if (auto end = message.body.as<RunEnded>())
      return end;
  return nullptr;
}

struct history {
  bool ok = false;
  std::uint32_t attempts_max = 0;
  std::size_t nodes_used = 0;
  std::uint64_t hash = 0;
  std::uint64_t lost = 0;
};

history run_ten(std::uint64_t seed, payload_kind lose_first) {
  node_config cfg;
  cfg.agents.pool_size = 2;
  world w{seed, 2, busy_roles(), cfg};
  EXPECT_TRUE(w.settle());
  bool lost = false;
  w.lose = [&](const envelope& message) {
    return message.body.kind() == lose_first && !std::exchange(lost, true);
  };
  w.send(0, submission());
  w.run_until([&] { return ended(w) != nullptr; }, 120s);
  history seen{.hash = w.trace_hash(), .lost = w.lost()};
  if (auto end = ended(w)) {
    seen.ok = end->ok();
    std::map<std::string, int> nodes;
    for (const auto& task : end->tasks()) {
      seen.attempts_max = std::max(seen.attempts_max, task.attempts());
      ++nodes[task.node()];
    }
    seen.nodes_used = nodes.size();
  }
  return seen;
}

} // namespace

TEST(two_nodes, share_the_tasks_of_a_run) {
  auto seen = run_ten(1, payload_kind::none);
  EXPECT_TRUE(seen.ok);
  EXPECT_EQ(seen.nodes_used, 2u);
  EXPECT_EQ(seen.attempts_max, 1u);
}

TEST(two_nodes, a_result_lost_on_the_way_costs_a_second_attempt) {
  auto seen = run_ten(2, payload_kind::TaskDone);
  EXPECT_EQ(seen.lost, 1u);
  EXPECT_TRUE(seen.ok);
  EXPECT_EQ(seen.attempts_max, 2u);
}

TEST(two_nodes, an_offer_lost_on_the_way_is_made_again) {
  auto seen = run_ten(3, payload_kind::TaskOffer);
  EXPECT_EQ(seen.lost, 1u);
  EXPECT_TRUE(seen.ok);
}

TEST(two_nodes, the_same_seed_is_the_same_history) {
  EXPECT_EQ(run_ten(4, payload_kind::TaskDone).hash, run_ten(4, payload_kind::TaskDone).hash);
  EXPECT_NE(run_ten(4, payload_kind::none).hash, run_ten(4, payload_kind::TaskDone).hash);
}

TEST(two_nodes, a_node_that_dies_has_its_tasks_done_elsewhere) {
  node_config cfg;
  cfg.agents.pool_size = 2;
  world w{5, 2, busy_roles(), cfg};
  ASSERT_TRUE(w.settle());
  w.send(0, submission());
  // The second node has been offered work and dies before any result is back.
  ASSERT_TRUE(w.run_until([&] { return !w.received.empty(); }, 1s));
  w.run_until([] { return false; }, 50us);
  w.kill(1);
  ASSERT_TRUE(w.run_until([&] { return ended(w) != nullptr; }, 120s));
  EXPECT_TRUE(ended(w)->ok()) << ended(w)->failure().message();
  EXPECT_EQ(ended(w)->tasks_size(), 10);
}

} // namespace troupe::sim
