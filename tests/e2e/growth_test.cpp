#include "tests/e2e/e2e.hpp"

#include "config/limits/messages.hpp"
#include "messages/agents.pb.h"
#include "nodes/client.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>

/// What comes and goes leaves nothing behind. By default the numbers are small. Large numbers,
/// which also compare memory and disk, are set by
///
///     TROUPE_GROWTH_AGENTS=100000 TROUPE_GROWTH_RUNS=5000 e2e --gtest_filter='growth.*'
namespace troupe::tests {

namespace {

constexpr int agents_of_every_day = 2'000;
constexpr int runs_of_every_day = 20;

int number_in(const char* variable, int otherwise) {
  auto text = std::getenv(variable);
  return text ? std::atoi(text) : otherwise;
}

struct figures {
  double memory_mib = 0;
  double disk_mib = 0; ///< without logs, which have their own bound
};

class growth : public e2e_test {
protected:
  /// Waits until no agent is active and no blob is left.
  figures when_quiet(const running_node& node) {
    auto quiet = [](const json& status) {
      auto told = nodes_in(status).begin()->second;
      return told.at("agents") == 0 && told.at("blobs") == 0;
    };
    auto status = await_status(user, quiet, 180s);
    EXPECT_TRUE(quiet(status)) << status.dump();
    figures now;
    now.memory_mib = static_cast<double>(resident_bytes(node.pid)) / (1 << 20);
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(user.data() / node.name)) {
      struct stat about {};
      auto name = entry.path().filename().string();
      if (name.starts_with("log.") || name == "output.log" || ::lstat(entry.path().c_str(), &about))
        continue;
      now.disk_mib += static_cast<double>(about.st_blocks) * 512 / (1 << 20);
    }
    return now;
  }

  /// Sends one message each to `count` new agents, many at once.
  static void use_agents(client& link, int first, int count) {
    constexpr int at_once = 256;
    int asked = 0, answered = 0;
    auto target = [&](int index) {
      return address::of_agent(name{"echo/key-" + std::to_string(first + index)});
    };
    std::map<std::uint64_t, int> waiting;
    while (answered < count) {
      for (; asked < count && asked - answered < at_once; ++asked) {
        AgentMessage hello;
        hello.set_text("hello");
        auto sent = link.send(make_envelope(message_kind::request, target(asked), hello), 10s);
        ASSERT_TRUE(sent) << sent.error().message;
        waiting[sent->sequence] = asked;
      }
      auto reply = link.receive(30s);
      ASSERT_TRUE(reply && *reply);
      auto found = waiting.find((*reply)->id.sequence);
      if ((*reply)->kind != message_kind::reply || found == waiting.end())
        continue;
      ASSERT_TRUE((*reply)->body.as<AgentReply>());
      // Acknowledge what arrived, so that nobody keeps it for a repetition.
      envelope got;
      got.kind = message_kind::acknowledge;
      got.target = target(found->second);
      got.id = (*reply)->id;
      ASSERT_TRUE(link.send(std::move(got), 10s));
      waiting.erase(found);
      ++answered;
    }
  }

  void run_digests(int first, int count) {
    auto folder = user.path() / "documents";
    std::filesystem::create_directory(folder);
    for (int i = first; i < first + count; ++i) {
      std::ofstream out(folder / "document.txt");
      for (int line = 0; line < 400; ++line)
        out << "Document number " << i << " says that you must give the program to others.\n";
      out.close();
      auto run = user.troupe(digest(folder));
      ASSERT_TRUE(run.ok()) << run.shown();
    }
  }
};

TEST_F(growth, of_agents_and_runs_that_have_ended_nothing_is_left) {
  auto agents = number_in("TROUPE_GROWTH_AGENTS", agents_of_every_day);
  auto runs = number_in("TROUPE_GROWTH_RUNS", runs_of_every_day);
  cluster one{user,
              {.nodes = 1,
               .arguments = {"--set", "agents.idle=500ms", "--set", "storage.blob_keep=1s", "--set",
                             "runs.durability=off"}}}; // files of durable runs stay with the run
  auto node = one.nodes().front();
  std::ifstream in(user.data() / "secret");
  std::string secret;
  in >> secret;
  auto link = client::connect({.peer = node.address, .cluster = "default", .secret = secret});
  ASSERT_TRUE(link) << link.error().message;

  use_agents(**link, 0, agents / 10);
  run_digests(0, runs / 10);
  auto early = when_quiet(node);
  use_agents(**link, agents / 10, agents - agents / 10);
  run_digests(runs / 10, runs - runs / 10);
  auto late = when_quiet(node);
  std::cout << agents << " agents, " << runs << " runs: memory " << early.memory_mib << " -> "
            << late.memory_mib << " MiB, disk " << early.disk_mib << " -> " << late.disk_mib
            << " MiB\n";
  if (agents <= agents_of_every_day)
    return; // with small numbers, a tenth says nothing
  EXPECT_LT(late.memory_mib, 1.1 * early.memory_mib);
  EXPECT_LT(late.disk_mib, 1.1 * early.disk_mib);
}

} // namespace

} // namespace troupe::tests
