#pragma once

#include "actors/coordination/attempt_table.hpp"
#include "actors/coordination/kept_results.hpp"
#include "actors/coordination/placement.hpp"
#include "actors/coordination/run_progress.hpp"
#include "actors/coordination/run_table.hpp"
#include "actors/logic.hpp"
#include "telemetry/metrics.hpp"
#include "tests/unit/coordination/hand.hpp"

namespace troupe::tests {

/// The tables that the parts of a coordinator share, without the coordinator: node a owns the runs,
/// nodes a and b are up and work on two tasks at once.
class owner_parts : public ::testing::Test {
protected:
  owner_parts() {
    nodes.begin(node_a, 2, {"reader", "editor"});
    nodes.update(make_members({make_member(node_a, MEMBER_UP), make_member(node_b, MEMBER_UP)}));
  }

  role_table roles = some_roles();
  placement nodes;
  run_table runs;
  attempt_table attempts{nodes};
  kept_results kept{{1'000, 1'500}, runs, [this] { ++given_back; }};
  run_progress progress{nodes, 9};
  metrics counted;
  int given_back = 0;
  address self = address::of(service::coordinator, node_a);
  instant now{1'000'000s};
  outputs out;
  counting_random random;

  step_context context() { return {now, random, out}; }
  active_run& add(Graph graph, std::uint64_t number = 1, value_map inputs = {}) {
    auto made = std::make_unique<active_run>();
    made->id = {number, 1};
    auto state = run_state::create(std::move(graph), std::move(inputs), nullptr);
    EXPECT_TRUE(state) << (state ? "" : state.error().message);
    made->state = *std::move(state);
    made->submitter = address::of_session({number}, node_a);
    made->request = {{number}, 1};
    made->began = now;
    return runs.add(std::move(made));
  }
  /// Offers the oldest ready task of the run's first role to a node.
  attempt& offer(active_run& run, placement::node_index node, std::size_t bytes = 10) {
    auto lane = nodes.lane_of(*run.state->roles()[0], false);
    auto where = context();
    return attempts.offer(where, run, run.state->take_ready(0), {node, lane, 1'000ms, bytes});
  }
  attempt& at(active_run& run, std::uint32_t task) {
    auto found = attempts.find(&run, task, run.state->attempt_of(task), {});
    EXPECT_NE(found, nullptr);
    return *found;
  }
  bool start(attempt& a) {
    auto where = context();
    return attempts.start(where, a);
  }
  void release(attempt& a) {
    auto where = context();
    attempts.release(where, a, "is over");
  }
  /// The messages of a type that were sent, oldest first.
  template <class Message>
  std::vector<std::pair<address, Message>> sent() {
    std::vector<std::pair<address, Message>> found;
    for (auto& one : out.sends)
      if (auto body = one.body.as<Message>())
        found.emplace_back(one.target, *body);
    return found;
  }
};

} // namespace troupe::tests
