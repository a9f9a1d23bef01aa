#include "actors/coordination/coordinator_logic.hpp"
#include "actors/coordination/queue_logic.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/coordination/hand.hpp"

#include <deque>
#include <random>
#include <set>

/// A coordinator, the queues of three nodes, and agents that answer when the test wants, all in one
/// thread.
namespace troupe::tests {
namespace {

const auto submitter = address::of_session({42}, node_a);

class seeded_random final : public random_source {
public:
  explicit seeded_random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t next() override { return engine_(); }

private:
  std::mt19937_64 engine_;
};

class small_cluster {
public:
  explicit small_cluster(std::uint64_t seed) : random_(seed), order_(seed) {
    for (auto node : {node_a, node_b, node_c})
      queues_.emplace(node, std::make_unique<queue_logic>(queue_options{2, 4}, roles, counted));
    start(coordinator_, address::of(service::coordinator, node_a));
    for (auto& [node, queue] : queues_)
      start(*queue, address::of(service::queue, node));
    announce();
  }

  role_table roles = some_roles();
  metrics counted;
  std::set<node_id> lost;
  std::vector<envelope> at_agents; ///< work that no agent has answered yet
  std::optional<RunEnded> ended;
  std::map<std::string, int> answered; ///< how often, by task

  void submit(Graph graph, value_map inputs) {
    RunSubmit submit;
    *submit.mutable_graph() = std::move(graph);
    submit.mutable_inputs()->swap(inputs);
    auto request = make_envelope(message_kind::request, address::of(service::coordinator, node_a),
                                 std::move(submit));
    request.sender = submitter;
    request.id = {{1}, 1};
    post(std::move(request));
  }
  /// Tells the coordinator which nodes are up.
  void announce() {
    std::vector<Member> members;
    for (auto& [node, queue] : queues_)
      members.push_back(make_member(node, lost.contains(node) ? MEMBER_DOWN : MEMBER_UP));
    auto news = make_envelope(message_kind::event, address::of(service::coordinator, node_a),
                              make_members(std::move(members)));
    post(std::move(news));
  }
  /// From now on nothing reaches the node or leaves it, but it keeps running.
  void lose(node_id node) { lost.insert(node); }

  /// Lets one event happen: a message arrives, or an agent answers. False: no event is left.
  bool step(bool agents_fail) {
    if (!mail_.empty()) {
      auto message = std::move(mail_.front());
      mail_.pop_front();
      deliver(std::move(message));
      return true;
    }
    if (at_agents.empty())
      return false;
    auto pick = order_() % at_agents.size();
    auto request = std::move(at_agents[pick]);
    at_agents.erase(at_agents.begin() + static_cast<std::ptrdiff_t>(pick));
    answer(request, agents_fail && order_() % 8 == 0);
    return true;
  }

private:
  void start(logic& started, address self) {
    outputs out;
    step_context context{now_, random_, out};
    started.start(context, self);
  }
  void post(envelope message) { mail_.push_back(std::move(message)); }

  void answer(envelope& request, bool fails) {
    if (fails)
      return post(reply_failure(request, {ec::agent_failed, "drawn"}));
    auto& task = request.body.as<TaskWork>()->task();
    if (!lost.contains(request.target.node))
      ++answered[task.id()];
    AgentReply reply;
    auto& fields = *reply.mutable_output()->mutable_map()->mutable_fields();
    fields["of"].set_text(task.label());
    for (const auto& [field, value] : task.input())
      fields[field] = value;
    post(reply_to(request, std::move(reply)));
  }

  void deliver(envelope message) {
    if (message.sender.node && message.sender.node != message.target.node
        && (lost.contains(message.target.node) || lost.contains(message.sender.node)))
      return;
    if (message.target == submitter) {
      if (auto end = message.body.as<RunEnded>())
        ended = *end;
      return;
    }
    if (message.kind == message_kind::cancel) {
      auto found = std::find_if(at_agents.begin(), at_agents.end(), [&](const envelope& request) {
        return request.id == message.id && request.target == message.target;
      });
      if (found != at_agents.end()) {
        post(reply_failure(*found, {ec::cancelled, "told to"}));
        at_agents.erase(found);
      }
      return;
    }
    if (message.target.what == address::kind::agent) {
      at_agents.push_back(std::move(message));
      return;
    }
    outputs out;
    step_context context{now_ += 1ms, random_, out};
    auto self = message.target.node;
    logic& reached = message.target.svc == service::queue ? static_cast<logic&>(*queues_.at(self))
                                                          : coordinator_;
    bool at_queue = message.target.svc == service::queue;
    reached.step(context, std::move(message));
    EXPECT_TRUE(at_queue ? queues_.at(self)->invariants() : coordinator_.invariants());
    for (auto& sent : out.sends) {
      EXPECT_TRUE(sent.sender.node) << "every message says who sent it";
      post(std::move(sent));
    }
  }

  instant now_{1'000s};
  seeded_random random_;
  std::mt19937_64 order_;
  std::map<node_id, std::unique_ptr<queue_logic>> queues_;
  coordinator_logic coordinator_{{2, 3}, roles, counted};
  std::deque<envelope> mail_;
};

value_map folder_of(int documents) {
  value_map inputs;
  std::vector<Value> blobs;
  for (int i = 0; i < documents; ++i)
    blobs.push_back(blob_value("doc" + std::to_string(i)));
  inputs["dir"] =
      map_value({{"documents", list_value(std::move(blobs))}, {"skipped", list_value({})}});
  inputs["question"] = text_value("why?");
  return inputs;
}

std::string report_without_faults(int documents) {
  small_cluster cluster{1};
  cluster.submit(*find_builtin_graph("digest"), folder_of(documents));
  while (cluster.step(false)) {
  }
  EXPECT_TRUE(cluster.ended && cluster.ended->ok());
  return cluster.ended->result().DebugString();
}

TEST(cluster, makes_the_same_report_when_a_node_is_lost_in_the_middle) {
  constexpr int documents = 20;
  auto expected = report_without_faults(documents);
  for (std::uint64_t seed = 1; seed <= 200 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 draw{seed};
    small_cluster cluster{seed};
    cluster.submit(*find_builtin_graph("digest"), folder_of(documents));
    auto loss = 20 + draw() % 100, notice = loss + draw() % 30, back = notice + draw() % 60;
    auto victim = draw() % 2 == 0 ? node_b : node_c;
    for (std::uint64_t i = 0; i < 5'000; ++i) {
      if (i == loss)
        cluster.lose(victim);
      if (i == notice)
        cluster.announce();
      if (i == back && draw() % 2 == 0) {
        cluster.lost.clear();
        cluster.announce();
      }
      cluster.step(false);
    }
    ASSERT_TRUE(cluster.ended) << "the run hangs";
    EXPECT_TRUE(cluster.ended->ok()) << cluster.ended->failure().message();
    EXPECT_EQ(cluster.ended->result().DebugString(), expected);
    EXPECT_EQ(cluster.counted.plain().queue_length, 0u);
  }
}

TEST(cluster, spreads_work_over_all_nodes) {
  small_cluster cluster{3};
  cluster.submit(*find_builtin_graph("digest"), folder_of(12));
  while (cluster.at_agents.size() < 6 && cluster.step(false)) {
  }
  std::map<node_id, int> busy;
  for (const auto& request : cluster.at_agents)
    ++busy[request.target.node];
  EXPECT_EQ(busy.size(), 3u);
  for (const auto& [node, tasks] : busy)
    EXPECT_EQ(tasks, 2) << "every slot works while tasks are ready";
}

TEST(cluster, sees_runs_through_though_agents_fail_now_and_then) {
  for (std::uint64_t seed = 1; seed <= 100 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    small_cluster cluster{seed};
    auto graph = *find_builtin_graph("digest");
    for (auto& task : *graph.mutable_tasks())
      task.set_attempts(limits::task_attempts_max);
    cluster.submit(graph, folder_of(10));
    while (cluster.step(true)) {
    }
    ASSERT_TRUE(cluster.ended) << "the run hangs";
    EXPECT_TRUE(cluster.ended->ok());
    EXPECT_EQ(cluster.answered.size(), 11u);
    for (const auto& [id, times] : cluster.answered)
      EXPECT_EQ(times, 1) << id;
    EXPECT_EQ(cluster.counted.plain().tasks_running, 0u);
    EXPECT_EQ(cluster.counted.plain().late_results, 0u);
  }
}

} // namespace
} // namespace troupe::tests
