#include "config/limits/links.hpp"
#include "config/limits/units.hpp"
#include "messages/agents.pb.h"
#include "tests/e2e/e2e.hpp"

#include "nodes/client.hpp"

#include <algorithm>
#include <csignal>

/// A node stops reading: its senders get `overloaded`, and no node's memory grows beyond the bound
/// of a link.
namespace troupe::tests {

namespace {

class back_pressure : public e2e_test {};

constexpr std::size_t message_bytes = 200'000;
constexpr std::size_t messages = 8 * limits::link_bytes_max / message_bytes;

/// The name of an agent whose home is that node.
name agent_on(const cluster& where, const running_node& node) {
  for (int i = 0;; ++i)
    if (auto agent = "librarian/full-" + std::to_string(i); home_name(where, agent) == node.name)
      return name{agent};
}

TEST_F(back_pressure, of_a_node_that_stops_reading_reaches_the_sender) {
  cluster three{user};
  auto relay = three.node("node-1"), stopped = three.node("node-2");
  auto attached = client::connect(
      {.peer = relay.address, .secret = read_file(user.data() / "secret").substr(0, 64)});
  ASSERT_TRUE(attached.has_value()) << attached.error().message;
  auto& link = **attached;
  auto memory_before = resident_bytes(relay.pid);

  ::kill(stopped.pid, SIGSTOP);
  AgentMessage message;
  message.set_text("Remember: " + std::string(message_bytes, 'x'));
  auto to = agent_on(three, stopped);
  std::size_t memory_most = 0, refused = 0, unavailable = 0;
  auto take = [&](std::chrono::milliseconds at_most) {
    auto reply = link.receive(at_most);
    ASSERT_TRUE(reply.has_value()) << reply.error().message;
    if (!*reply)
      return;
    auto why = failure_in(**reply);
    refused += why && why->code == ec::overloaded;
    unavailable += why && why->code == ec::unavailable;
  };
  for (std::size_t i = 0; i < messages; ++i) {
    auto sent =
        link.send(make_envelope(message_kind::request, address::of_agent(to), message), 20s);
    ASSERT_TRUE(sent.has_value()) << sent.error().message;
    take(0ms);
    memory_most = std::max(memory_most, resident_bytes(relay.pid));
  }
  for (auto deadline = clock::now() + 20s; refused == 0 && clock::now() < deadline;)
    take(1s);
  ::kill(stopped.pid, SIGCONT);

  EXPECT_GT(refused, 0u) << unavailable << " were unavailable instead";
  // The link's bound, messages on their way through the node, and partly used pages.
  EXPECT_LT(memory_most, memory_before + limits::link_bytes_max + 24 * limits::mib);
  await_status(user, [](const json& status) {
    for (const auto& [called, node] : nodes_in(status))
      if (node.at("state") != "up")
        return false;
    return true;
  });
  auto asked = user.troupe({"send", "librarian/after", "Are you there?"});
  EXPECT_TRUE(asked.ok()) << asked.shown();
}

} // namespace

} // namespace troupe::tests
