#include "tests/e2e/e2e.hpp"

#include <csignal>
#include <sys/file.h>

#include <fcntl.h>
#include <unistd.h>

/// What `troupe up` inherits from its caller, and what happens around it while it runs.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

class surroundings : public e2e_test {
protected:
  json supervision_of(const std::string& node) {
    auto asked = user.troupe({"status", "--json"});
    return asked.ok() ? nodes_in(asked.parsed()).at(node).value("supervision", json::object())
                      : json::object();
  }

  /// The process that holds the lock of the default cluster.
  pid_t supervisor() {
    for (const auto& entry : fs::directory_iterator{"/proc"}) {
      auto name = entry.path().filename().string();
      std::error_code none;
      auto words = read_file(entry.path() / "cmdline");
      if (name.find_first_not_of("0123456789") == std::string::npos
          && words.find("--detach") != std::string::npos
          && fs::exists(entry.path() / "environ", none)
          && read_file(entry.path() / "environ").find(user.path().string()) != std::string::npos)
        return std::stoi(name);
    }
    return 0;
  }
};

TEST_F(surroundings, signals_that_are_ignored_stay_ignored) {
  for (auto [name, number] : {std::pair{"HUP", SIGHUP}, {"INT", SIGINT}}) {
    auto up = user.start_shell("trap '' " + std::string(name) + "; exec $troupe up --nodes 1");
    await_status(user, [](const json& now) { return nodes_in(now).size() == 1; });
    up.send_signal(number);
    EXPECT_TRUE(user.troupe({"run", "chain"}).ok()) << name;
    EXPECT_FALSE(up.wait(200ms)) << name;
    EXPECT_TRUE(user.troupe({"down"}).ok()) << name;
    EXPECT_EQ(up.wait(10s)->code, 0) << name;
  }
}

TEST_F(surroundings, a_stop_is_heard_by_who_ignores_all_signals) {
  auto up = user.start_shell("trap '' HUP INT TERM; exec $troupe up --nodes 1");
  await_status(user, [](const json& now) { return nodes_in(now).size() == 1; });
  up.send_signal(SIGTERM);
  EXPECT_TRUE(user.troupe({"status"}).ok());
  EXPECT_TRUE(user.troupe({"down"}).ok());
  EXPECT_EQ(up.wait(10s)->code, 0);
}

TEST_F(surroundings, a_run_that_was_started_by_nohup_outlives_its_terminal) {
  cluster one{user, {.nodes = 1, .arguments = {"--set", "models.offline_delay=300ms"}}};
  auto folder = documents();
  auto run = user.start_shell("trap '' HUP; exec $troupe run digest --input dir=" + folder.string()
                              + " --input 'question=Who pays a fee?' --output report.md");
  await_status(user, [](const json& now) {
    return nodes_in(now).at("node-1").at("tasks_running").get<int>() > 0;
  });
  run.send_signal(SIGHUP);
  EXPECT_EQ(run.wait(60s)->code, 0);
  EXPECT_THAT(read_file(user.path() / "report.md"), HasSubstr("crowns"));
}

TEST_F(surroundings, a_cluster_in_the_background_keeps_nothing_of_who_started_it) {
  auto ran = user.shell("mkdir here; cd here; exec 9>../flock; flock 9; exec 7<.;"
                        "$troupe up --nodes 1 --detach; exec 9>&-; exec 7<&-;"
                        "flock -n ../flock true || echo held");
  ASSERT_TRUE(ran.ok()) << ran.shown();
  EXPECT_THAT(ran.out, AllOf(HasSubstr("ready in"), Not(HasSubstr("held"))));
  auto process = supervisor();
  ASSERT_NE(process, 0);
  auto status = user.troupe({"status", "--json"});
  auto node = nodes_in(status.parsed()).at("node-1").at("pid").get<pid_t>();
  for (auto pid : {process, node}) {
    auto about = fs::path("/proc") / std::to_string(pid);
    EXPECT_EQ(fs::read_symlink(about / "cwd"), "/");
    for (const auto& entry : fs::directory_iterator{about / "fd"}) {
      std::error_code gone;
      EXPECT_THAT(fs::read_symlink(entry.path(), gone).string(),
                  AllOf(Not(HasSubstr("flock")), Not(::testing::EndsWith("/here"))));
    }
  }
  EXPECT_TRUE(user.troupe({"down"}).ok());
}

TEST_F(surroundings, paths_are_those_of_where_up_was_typed) {
  write_file(user.path() / "roles" / "greeter.yaml",
             "role: greeter\ndescription: greets\nmind: echo\n");
  write_file(user.path() / "own.yaml", "node: {roles: roles}\n");
  auto up = user.troupe({"up", "--nodes", "1", "--detach", "--config", "own.yaml", "--data", "d"});
  ASSERT_TRUE(up.ok()) << up.shown();
  EXPECT_THAT(up.out + up.err, HasSubstr("troupe down --data " + (user.path() / "d").string()));
  EXPECT_THAT(user.troupe({"roles", "--data", "d"}).out, HasSubstr("greeter"));
  EXPECT_TRUE(user.troupe({"down", "--data", "d"}).ok());
}

TEST_F(surroundings, a_passing_condition_loses_no_node) {
  cluster two{user, {.nodes = 2}};
  auto identity = user.data() / "node-1" / "identity", away = user.data() / "away";
  fs::rename(identity, away);
  fs::create_directory(identity); // the node cannot read it: exit code 73
  ::kill(two.node("node-1").pid, SIGKILL);
  int tries = 0;
  two.await_event([&](const json& event) {
    EXPECT_NE(event.at("event"), "node_given_up") << event;
    tries += event.at("event") == "node_restarting";
    return tries == 8; // more tries than a supervisor once made
  });
  auto known = supervision_of("node-1");
  EXPECT_EQ(known.value("phase", ""), "waiting") << known;
  EXPECT_THAT(known.value("why", ""), HasSubstr("identity")) << "its own words";
  EXPECT_THAT(user.troupe({"status"}).out,
              AllOf(HasSubstr("node-1 is down and restarts in"), HasSubstr("identity")));
  fs::remove(identity);
  fs::rename(away, identity);
  auto again = user.troupe({"up"}); // without waiting for the pause to end
  EXPECT_TRUE(again.ok()) << again.shown();
  EXPECT_THAT(again.out, HasSubstr("started: node-1"));
  two.await_restart("node-1", two.node("node-1").pid);
}

TEST_F(surroundings, a_taken_port_is_waited_for) {
  cluster two{user, {.nodes = 2, .arguments = {"--no-restart"}}};
  auto node = two.node("node-2");
  ::kill(node.pid, SIGKILL);
  two.await_event([](const json& event) { return event.at("event") == "node_given_up"; });
  EXPECT_EQ(supervision_of("node-2").value("phase", ""), "given up");
  auto port = node.address.substr(node.address.rfind(':') + 1);
  process taker{{.program = "/usr/bin/python3",
                 .arguments = {"-c",
                               "import socket,sys\ns=socket.socket()\n"
                               "s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\n"
                               "s.bind(('127.0.0.1',int(sys.argv[1])))\ns.listen()\n"
                               "print('taken',flush=True)\ns.accept()\nsys.stdin.read()\n"
                               "import signal\nsignal.pause()",
                               port}}};
  ASSERT_EQ(taker.read_line(10s), "taken");
  auto refused = user.troupe({"up", "--json"});
  EXPECT_EQ(refused.ended.code, 69) << refused.shown();
  EXPECT_THAT(refused.out, HasSubstr(port)) << "it says which port";
  taker.kill_now();
  auto again = user.troupe({"up", "--json"});
  EXPECT_TRUE(again.ok()) << again.shown();
  EXPECT_EQ(again.parsed().at("started"), json::array({"node-2"}));
}

TEST_F(surroundings, a_node_that_is_stopped_for_good_is_noticed_killed_and_started_again) {
  cluster two{user, {.nodes = 2}};
  auto before = two.node("node-2").pid;
  await_status(user, [](const json& now) { return nodes_in(now).size() == 2; });
  // The first sign of life comes after some seconds. The silence of a node that never gave one does
  // not count.
  ::kill(before, SIGSTOP);
  auto hangs =
      two.await_event([](const json& event) { return event.at("event") == "node_hangs"; }, 90s);
  EXPECT_EQ(hangs.at("name"), "node-2");
  EXPECT_THAT(hangs.at("why").get<std::string>(), HasSubstr("no sign of life"));
  EXPECT_NE(two.await_restart("node-2", before), before);
}

TEST_F(surroundings, a_node_that_cannot_start_says_why_in_what_up_prints) {
  auto ran = user.shell("ulimit -n 24; exec $troupe up --nodes 2", 90s);
  EXPECT_NE(ran.ended.code, 0) << ran.shown();
  EXPECT_TRUE(ran.in_time) << ran.shown();
  EXPECT_THAT(ran.err, HasSubstr("open files"));
}

TEST_F(surroundings, variables_of_kubernetes_are_not_ours) {
  variables service{{"TROUPE_SERVICE_HOST", "10.0.0.11"},
                    {"TROUPE_SERVICE_PORT", "4700"},
                    {"TROUPE_PORT", "tcp://10.0.0.11:4700"},
                    {"TROUPE_PORT_4700_TCP_ADDR", "10.0.0.11"}};
  auto checked = user.troupe({"config", "check"}, service);
  EXPECT_TRUE(checked.ok()) << checked.shown();
}

} // namespace

} // namespace troupe::tests
