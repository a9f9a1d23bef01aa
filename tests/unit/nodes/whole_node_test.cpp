#include "config/limits/links.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "tests/support/node/asking.hpp"
#include "tests/support/node/whole_node.hpp"

#include "actors/cluster/link_logic.hpp"
#include "actors/cluster/socket.hpp"
#include "actors/coordination/graph_yaml.hpp"
#include "config/embedded.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>

namespace troupe::test {

namespace {

using namespace std::chrono_literals;

Graph builtin(std::string_view file_name) {
  for (const auto& file : embedded_files())
    if (file.name == file_name)
      return parse_graph(file.text, std::string{file_name}).value();
  return {};
}

/// Two nodes in this process, linked by a real connection.
class two_whole_nodes : public testing::Test {
protected:
  two_whole_nodes() {
    first_.dial(2, second_.listen());
    EXPECT_TRUE(first_.wait_for_members());
    EXPECT_TRUE(second_.wait_for_members());
  }

  template <class Message>
  envelope ask(const address& whom, Message message, const trace_context& trace = {}) {
    auto request = make_envelope(message_kind::request, whom, std::move(message));
    request.trace = trace;
    auto answer = ask_as_agent(first_, std::move(request));
    if (!answer)
      ADD_FAILURE() << to_string(whom) << " did not answer";
    return answer ? *std::move(answer) : envelope{};
  }

  /// The error message; empty if the run succeeded.
  std::string run(Graph graph, const trace_context& trace = {}) {
    RunSubmit submit;
    *submit.mutable_graph() = std::move(graph);
    auto answer =
        ask(address::of(service::coordinator, first_.mail().self()), std::move(submit), trace);
    if (auto ended = answer.body.as<RunEnded>())
      return ended->ok() ? "" : ended->failure().message();
    auto why = failure_in(answer);
    return why ? why->message : "no RunEnded";
  }

  std::string echo(const address& whom) {
    Echo echo;
    echo.set_bytes("hello");
    auto answer = ask(whom, std::move(echo));
    if (auto same = answer.body.as<Echo>())
      return same->bytes();
    auto why = failure_in(answer);
    return why ? why->message : "no Echo";
  }

  /// Kills that service of the first node and waits for its successor.
  void kill(service place) {
    auto until = std::chrono::steady_clock::now() + 10s;
    auto before = first_.mail().find(place);
    // The members may be up before the whole tree has started.
    for (; !before && std::chrono::steady_clock::now() < until; before = first_.mail().find(place))
      std::this_thread::yield();
    ASSERT_TRUE(before) << to_string(place);
    caf::anon_send_exit(before, caf::exit_reason::kill);
    while (std::chrono::steady_clock::now() < until) {
      if (auto there = first_.mail().find(place); there && there != before)
        return;
      std::this_thread::yield();
    }
    FAIL() << to_string(place) << " was not started again";
  }

  whole_node second_{2, {info_of(1)}};
  whole_node first_{1, {info_of(2)}};
};

std::uint32_t agents_of(std::string_view role_name, const NodeStatus& node) {
  for (const auto& role : node.roles())
    if (role.name() == role_name)
      return role.agents();
  return 0;
}

/// Dials like a node that knows the secret, and reads until the connection ends.
void be_refused_as(std::uint64_t number, const std::string& place) {
  auto socket = start_connecting(*parse_address(place));
  ASSERT_TRUE(socket);
  ::fcntl(socket->get(), F_SETFL, 0);
  timeval patience{5, 0};
  ::setsockopt(socket->get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  link_logic::options options;
  options.own.set_version(link_version);
  options.own.set_cluster("tests");
  options.own.set_nonce(std::string(32, 's'));
  *options.own.mutable_node() = info_of(number);
  options.secret = "secret";
  options.dialled = true;
  link_logic protocol{std::move(options), instant{}};
  auto out = protocol.begin();
  for (char buffer[4096];;) {
    ::send(socket->get(), out.write.data(), out.write.size(), MSG_NOSIGNAL);
    auto got = ::recv(socket->get(), buffer, sizeof buffer, 0);
    ASSERT_FALSE(got < 0 && errno == EAGAIN) << "no word in five seconds";
    if (got <= 0)
      return;
    out = protocol.feed({buffer, static_cast<std::size_t>(got)}, instant{});
  }
}

} // namespace

TEST(whole_node, takes_connections_still_after_many_were_proven_and_refused) {
  whole_node second{2, {info_of(1)}};
  auto place = second.listen();
  for (std::size_t i = 0; i < limits::unproven_connections_max + 8; ++i)
    ASSERT_NO_FATAL_FAILURE(be_refused_as(9, place));
  whole_node first{1, {info_of(2)}};
  first.dial(2, place);
  EXPECT_TRUE(first.wait_for_members());
}

TEST_F(two_whole_nodes, go_on_whichever_service_of_one_is_killed) {
  auto there = first_.echo_on(2);
  auto here = first_.echo_on(1);
  for (auto place : {service::state, service::blobs, service::models, service::roles,
                     service::queue, service::coordinator, service::desk, service::membership}) {
    SCOPED_TRACE(to_string(place));
    kill(place);
    ASSERT_TRUE(first_.wait_for_members()) << "the other node is not seen any more";
    EXPECT_EQ(echo(here), "hello");
    EXPECT_EQ(echo(there), "hello");
    EXPECT_EQ(run(builtin("graphs/chain.yaml")), "");
    StatusQuery query;
    query.set_whole_cluster(true);
    auto status = ask(address::of(service::desk, first_.mail().self()), std::move(query));
    auto cluster = status.body.as<ClusterStatus>();
    ASSERT_TRUE(cluster);
    EXPECT_EQ(cluster->nodes_size(), 2);
    for (const auto& node : cluster->nodes())
      EXPECT_EQ(agents_of("echo", node), 1u) << node.info().name();
  }
}

TEST_F(two_whole_nodes, the_epoch_of_the_members_never_goes_back) {
  auto before = first_.mail().view()->epoch;
  kill(service::membership);
  auto view = first_.wait_for_view([&](const member_view& v) { return v.epoch != before; });
  ASSERT_TRUE(view);
  EXPECT_GT(view->epoch, before);
  EXPECT_EQ(view->find(whole_node::id_of(2))->state, MEMBER_UP)
      << "a node whose link is there was called suspect";
}

TEST_F(two_whole_nodes, tasks_go_to_both_after_the_coordinator_was_started_again) {
  kill(service::coordinator);
  // More tasks at once than one node takes.
  std::string many = "graph: many\ntasks:\n";
  for (std::size_t i = 0; i < 3 * limits::pool_size; ++i)
    many += "  - {id: t" + std::to_string(i) + ", role: noop}\n";
  const trace_context sampled{{1, 2}, {3}, 1}; // so that agents do them, not their owner
  ASSERT_EQ(run(parse_graph(many, "many.yaml").value(), sampled), "");
  EXPECT_GT(second_.host().counted.plain().tasks_done, 0u);
}

} // namespace troupe::test
