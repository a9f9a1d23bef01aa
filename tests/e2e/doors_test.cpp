#include "config/limits/http.hpp"
#include "config/limits/links.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "nodes/client.hpp"
#include "tests/e2e/connection.hpp"
#include "tests/e2e/e2e.hpp"

#include <csignal>

#include <sys/stat.h>

/// Who may connect, by which door, and what a client may send.
namespace troupe::tests {

namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class doors : public e2e_test {
protected:
  fs::path socket_of(const running_node& node) const { return user.data() / node.name / "socket"; }

  /// A client that may send anything.
  std::unique_ptr<client> attach_to(const running_node& node) const {
    auto attached = client::connect({.peer = node.name,
                                     .folder = user.data() / node.name,
                                     .secret = read_file(user.data() / "secret").substr(0, 64)});
    EXPECT_TRUE(attached) << attached.error().message;
    return attached ? std::move(*attached) : nullptr;
  }

  /// The failure that answers a request.
  template <class Message>
  static failure answer_of(client& from, address whom, Message message) {
    auto reply = from.request(
        make_envelope(message_kind::request, std::move(whom), std::move(message)), 10s);
    if (!reply)
      return reply.error();
    return failure_in(*reply).value_or(failure{});
  }
};

TEST_F(doors, the_local_one_is_there_while_the_node_is_and_only_for_its_owner) {
  running_node node;
  {
    cluster one{user, {.nodes = 1}};
    node = one.nodes().front();
    struct stat about {};
    ASSERT_EQ(::lstat(socket_of(node).c_str(), &about), 0);
    EXPECT_TRUE(S_ISSOCK(about.st_mode));
    EXPECT_EQ(about.st_mode & 077, 0u);
    ASSERT_EQ(::stat(socket_of(node).parent_path().c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 077, 0u);
  }
  EXPECT_FALSE(fs::exists(socket_of(node))) << "it is left after the node's end";
}

TEST_F(doors, the_local_one_works_in_a_folder_with_a_long_path) {
  auto data = user.path() / std::string(100, 'l') / std::string(100, 'm');
  fs::create_directories(data.parent_path());
  cluster one{user, {.nodes = 1, .arguments = {"--data", data.string()}}};
  EXPECT_TRUE(fs::is_socket(data / "node-1" / "socket"));
  auto asked = user.troupe({"status", "--data", data.string()});
  EXPECT_TRUE(asked.ok()) << asked.shown();
}

TEST_F(doors, a_node_that_was_killed_is_passed_by_and_takes_its_own_place_again) {
  cluster two{user, {.nodes = 2}};
  auto victim = two.nodes().front();
  ::kill(victim.pid, SIGKILL);
  for (int i = 0; i < 6; ++i) {
    auto asked = user.troupe({"status", "--json"});
    EXPECT_TRUE(asked.ok()) << asked.shown();
  }
  two.await_restart(victim.name, victim.pid);
  auto back = attach_to(victim);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->welcome().node().name(), victim.name);
}

TEST_F(doors, a_copied_folder_does_not_lead_to_the_original_cluster) {
  cluster one{user, {.nodes = 1}};
  auto copy = user.path() / "copy";
  ASSERT_EQ(std::system(("cp -a '" + user.data().string() + "' '" + copy.string() + "'").c_str()),
            0);
  for (const auto& command :
       {std::vector<std::string>{"status"}, std::vector<std::string>{"send", "echo/a", "hi"}}) {
    auto words = command;
    words.insert(words.end(), {"--data", copy.string()});
    auto asked = user.troupe(words);
    EXPECT_EQ(asked.ended.code, 69) << asked.shown();
    EXPECT_THAT(asked.err, HasSubstr("no cluster is running in " + copy.string()));
  }
  EXPECT_TRUE(user.troupe({"status"}).ok());
}

TEST_F(doors, stay_open_however_many_strangers_stand_at_them) {
  cluster one{user, {.nodes = 1}};
  const auto& node = one.nodes().front();
  std::vector<connection> strangers;
  for (std::size_t i = 0; i < 3 * limits::unproven_connections_max; ++i) {
    strangers.emplace_back(node.address);
    if (i % 2)
      strangers.back().send(std::string(8, 'x').substr(0, i % 8)); // an incomplete preface
    strangers.emplace_back(node.http_address);
    if (i % 3)
      strangers.back().send(i % 3 == 1 ? "GET /hea" : "GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(http_get("http://" + node.http_address + "/health", 5s).status, 200);
    auto local = user.troupe({"status"});
    EXPECT_TRUE(local.ok()) << local.shown();
    auto by_tcp = user.troupe({"status", "--peer", node.address});
    EXPECT_TRUE(by_tcp.ok()) << by_tcp.shown();
  }
  EXPECT_LT(open_descriptors(node.pid), 2 * limits::unproven_connections_max
                                            + limits::http_connections_max
                                            + limits::descriptors_reserved);
}

TEST_F(doors, clients_may_not_say_what_only_members_may) {
  cluster two{user, {.nodes = 2}};
  auto from = attach_to(two.nodes().front());
  ASSERT_TRUE(from);
  MembersChanged nobody_is_left;
  SessionClosed closed;
  closed.set_session(4711);
  for (auto node : {node_id{}, *parse_id128<node_id>(two.nodes().back().id)}) {
    auto coordinator = address::of(service::coordinator, node);
    // Nobody may send these as requests, and no client may send them as events.
    EXPECT_EQ(answer_of(*from, coordinator, TaskDone{}).code, ec::bad_message);
    EXPECT_EQ(answer_of(*from, coordinator, closed).code, ec::bad_message);
    EXPECT_EQ(answer_of(*from, coordinator, nobody_is_left).code, ec::bad_message);
    EXPECT_EQ(answer_of(*from, address::of(service::queue, node), TaskOffer{}).code,
              ec::bad_message);
    EXPECT_EQ(answer_of(*from, address::of(service::state, node), SnapshotPut{}).code, ec::refused);
    EXPECT_EQ(answer_of(*from, address::of_agent(name{"reader#0"}, node), TaskWork{}).code,
              ec::refused);
    EXPECT_NE(answer_of(*from, address::of_agent(name{"reader#0"}, node), AgentMessage{}).code,
              ec::none);
    EXPECT_NE(answer_of(*from, address::of(service::roles, node), AgentMessage{}).code, ec::none);
  }
  auto events =
      make_envelope(message_kind::event, address::of(service::coordinator), nobody_is_left);
  ASSERT_TRUE(from->send(std::move(events), 5s));
  EXPECT_TRUE(user.troupe({"run", "chain"}).ok()) << "the coordinator knows its members";
  EXPECT_THAT(http_get("http://" + two.nodes().front().http_address + "/metrics").body,
              HasSubstr("troupe_messages_refused_total 1"));
}

TEST_F(doors, a_named_agent_is_served_at_its_home_only) {
  cluster two{user, {.nodes = 2}};
  auto home = home_name(two, "echo/a");
  const auto& elsewhere = two.nodes()[two.nodes()[0].name == home ? 1 : 0];
  for (const auto& through : two.nodes()) {
    auto from = attach_to(through);
    ASSERT_TRUE(from);
    auto why = answer_of(
        *from, address::of_agent(name{"echo/a"}, *parse_id128<node_id>(elsewhere.id)), Echo{});
    EXPECT_EQ(why.code, ec::unavailable) << why.message;
    EXPECT_THAT(why.message, HasSubstr("is at home on " + home));
    EXPECT_EQ(answer_of(*from, address::of_agent(name{"echo/a"}), Echo{}).code, ec::none);
  }
}

TEST_F(doors, open_when_the_members_are_known) {
  for (int i = 0; i < 3; ++i) {
    cluster three{user};
    EXPECT_TRUE(three.stop().code == 0);
  }
  for (const auto& folder : {"node-1", "node-2", "node-3"}) {
    auto log = read_file(user.data() / folder / "log.jsonl");
    EXPECT_THAT(log, AllOf(HasSubstr("ready"), Not(HasSubstr("is not a member of this cluster"))));
  }
}

TEST_F(doors, too_few_open_files_are_said_at_once) {
  process_options options;
  options.program = "/bin/sh";
  options.arguments = {"-c", "ulimit -n 24; exec '" + program_under_test().string()
                                 + "' up --nodes 1 --data '" + user.data().string() + "'"};
  options.environment = {{"TMPDIR", user.temporary_files().string()}};
  process up{std::move(options)};
  auto ended = up.wait(15s);
  ASSERT_TRUE(ended) << "it waits for a node that cannot start";
  EXPECT_EQ(ended->code, 78) << up.errors();
  EXPECT_TRUE(up.wait_for_closed_output(5s));
  EXPECT_THAT(up.output() + up.errors(), AllOf(HasSubstr("24 open files"), HasSubstr("ulimit -n")));
}

} // namespace

} // namespace troupe::tests
