#include "tests/e2e/e2e.hpp"

#include <csignal>

/// Several owners of runs at once, and slots of work that nobody waits for any more.
namespace troupe::tests {

namespace {

class owners : public e2e_test {
protected:
  /// A graph whose tasks read the documents of a folder; each task has the time `limit`.
  std::vector<std::string> reading(int documents, const std::string& limit) const {
    auto graph = user.path() / "read.yaml";
    write_file(graph, "graph: read\n"
                      "inputs: {dir: {type: folder, required: true}}\n"
                      "tasks:\n"
                      "  - id: read\n"
                      "    role: reader\n"
                      "    for_each: $inputs.dir.documents\n"
                      "    input: {document: $item, question: what must be given}\n"
                      "    limits: {time: "
                          + limit + "}\n");
    return {"run", graph.string(), "--input", "dir=" + short_documents(documents).string()};
  }
  static int sum(const json& status, const std::string& field) {
    int total = 0;
    for (const auto& [name, node] : nodes_in(status))
      total += node.at(field).get<int>();
    return total;
  }
  static int busy(const json& status) {
    int total = 0;
    for (const auto& [name, node] : nodes_in(status))
      for (const auto& role : node.at("role_details"))
        total += role.at("busy").get<int>();
    return total;
  }
};

// Each owner alone needs two rounds of 1.5 s. A task that waits for the other owners' tasks waits
// longer than its own time limit.
TEST_F(owners, three_at_once_have_each_task_done_once) {
  cluster three{
      user, {.arguments = {"--set", "agents.pool_size=4", "--set", "models.offline_delay=1500ms"}}};
  constexpr int documents = 24;
  auto read = reading(documents, "2500ms");
  std::vector<process> running;
  for (auto node : {"node-1", "node-2", "node-3"}) {
    auto arguments = read;
    arguments.insert(arguments.end(), {"--peer", three.node(node).address});
    running.push_back(user.start(arguments));
  }
  for (auto& one : running)
    EXPECT_EQ(one.wait(command_deadline)->code, 0) << one.errors();
  auto status = user.troupe({"status", "--json"}).parsed();
  EXPECT_EQ(sum(status, "tasks_done"), 3 * documents);
  EXPECT_EQ(sum(status, "tasks_failed"), 0);
  EXPECT_EQ(sum(status, "late_results"), 0);
}

TEST_F(owners, that_leave_have_free_slots_at_once) {
  cluster one{user,
              {.nodes = 1,
               .arguments = {"--set", "agents.pool_size=3", "--set", "models.offline_delay=25s"}}};
  auto first = user.start(reading(6, "50s"));
  await_status(user, [](const json& status) { return busy(status) == 3; });
  first.send_signal(SIGINT);
  auto interrupted = clock::now();
  first.wait(command_deadline);
  await_status(user, [](const json& status) { return busy(status) == 0; });
  auto second = user.start(reading(3, "50s"));
  await_status(user, [](const json& status) { return busy(status) == 3; });
  EXPECT_LT(clock::now() - interrupted, 15s) << "before any call of the first run could end";
  second.send_signal(SIGINT);
  second.wait(command_deadline);
}

} // namespace

} // namespace troupe::tests
