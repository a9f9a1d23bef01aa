#include "tests/e2e/simulator.hpp"
#include "tests/support/otlp_receiver.hpp"

#include <csignal>
#include <fstream>

#include <sys/stat.h>

/// What becomes of the keys of providers: where they are read, and where they must not be.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// It looks like no key: nothing but the key itself tells that it is one.
constexpr const char* key = "PlainMarkerKey";

/// A provider that keeps what it was asked, and whose errors repeat the key.
class talkative_providers : public simulated_models {
protected:
  void SetUp() override {
    server_.emplace(
        process_options{.program = "/usr/bin/python3",
                        .arguments = {TROUPE_SOURCE_DIR "/tests/support/servers/openai_api.py", key,
                                      log().string()}});
    auto address = server_->read_line(30s);
    ASSERT_TRUE(address) << server_->errors();
    std::filesystem::create_directories(roles());
    role("shout", "api/any");
    role("mutter", "other/any");
    write_file(config(), "providers:\n  api:\n    kind: openai\n    base_url: " + *address
                             + "/v1\n    api_key_file: key\n  other:\n    kind: openai\n"
                               "    base_url: "
                             + *address
                             + "/v1\n    api_key_env: TEST_PROVIDER_KEY\n  own:\n    kind: openai\n"
                               "    base_url: "
                             + *address + "/v1\n    api_key: " + key
                             + "\n  stuck:\n"
                               "    kind: openai\n    base_url: "
                             + *address + "/v1\n    api_key_file: pipe\nnode:\n  roles: "
                             + roles().string() + "\n");
    ::chmod(config().c_str(), 0600); // there is a key in it
    user.set("TEST_PROVIDER_KEY", key);
    write_file(user.path() / "key", std::string{key} + "\n");
    user.set("TROUPE_CONFIG", config().string());
  }
  void TearDown() override {
    server_.reset();
    simulated_models::TearDown();
  }
  std::filesystem::path log() const { return user.path() / "requests.jsonl"; }

  std::optional<process> server_;
};

TEST_F(talkative_providers, are_told_what_was_said_before_if_the_role_keeps_a_history) {
  role("friend", "api/any", "history: {turns: 3}\n");
  std::string before, after;
  {
    cluster one{user, {.nodes = 1}};
    EXPECT_TRUE(send("friend", "my name is Ada").ok());
    EXPECT_TRUE(send("friend", "who am I").ok());
  }
  cluster again{user, {.nodes = 1}};
  EXPECT_TRUE(send("friend", "still there?").ok());
  std::ifstream lines{log()};
  std::string line, last;
  while (std::getline(lines, line))
    last = line;
  auto messages = json::parse(last)["body"]["messages"];
  ASSERT_EQ(messages.size(), 5u) << last;
  EXPECT_EQ(messages[0]["content"], "my name is Ada");
  EXPECT_EQ(messages[1]["content"], "MY NAME IS ADA");
  EXPECT_EQ(messages[4]["content"], "still there?") << "also after a restart";
}

TEST_F(talkative_providers, find_their_key_again_when_its_file_changes) {
  std::ofstream{user.path() / "key"} << "WrongMarkerKey\n";
  cluster one{user, {.nodes = 1}};
  auto refused = send("shout", "hello");
  EXPECT_THAT(refused.err, AllOf(HasSubstr("Incorrect API key provided: ***"),
                                 Not(HasSubstr("WrongMarkerKey"))));
  std::ofstream{user.path() / "key"} << key << "\n";
  auto taken = send("shout", "hello");
  EXPECT_TRUE(taken.ok()) << taken.shown();
  auto logged = read_file(user.data() / "node-1" / "log.jsonl");
  EXPECT_THAT(logged, HasSubstr("has refused the key from"));
}

/// Also out of what a provider says that repeats them: in a stream, in a body, with any status.
TEST_F(talkative_providers, keep_their_keys_out_of_everything_that_is_written) {
  otlp_receiver collector;
  const std::vector<std::string> providers{"api", "other", "own"};
  for (const auto& provider : providers)
    for (auto* model : {"any", "leaks", "breaks", "refuses"})
      role(provider + "-" + model, provider + "/" + model);
  {
    cluster one{
        user,
        {.nodes = 1,
         .arguments = {"--set", "telemetry.log_level=debug", "--set", "telemetry.contents=on"},
         .environment = {{"OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()}}}};
    auto expect_hidden = [](const command_result& ran) {
      EXPECT_NE(ran.ended.code, 0) << ran.shown();
      EXPECT_THAT(ran.shown(), AllOf(HasSubstr("the key ***"), Not(HasSubstr(key))));
    };
    for (const auto& provider : providers) {
      EXPECT_TRUE(send(provider + "-any", "hello").ok()) << provider;
      for (auto* model : {"-leaks", "-breaks", "-refuses"}) { // the last one loses the key
        expect_hidden(send(provider + model, "hello"));
        EXPECT_THAT(user.troupe({"trace", "last", "--json"}).shown(),
                    AllOf(HasSubstr("the key ***"), Not(HasSubstr(key))));
      }
      expect_hidden(user.troupe({"models", "check", provider + "/leaks"}));
      expect_hidden(user.troupe({"models", "check", provider + "/refuses", "--json"}));
    }
    for (auto* command : {"config show", "config show --json", "models", "models --json",
                          "status --json", "trace last"})
      EXPECT_THAT(user.shell("$troupe " + std::string{command}).shown(), Not(HasSubstr(key)))
          << command;
    EXPECT_THAT(user.troupe({"models"}).out, HasSubstr("the key ***")) << "how providers are";
    auto metrics = http_get("http://" + one.nodes()[0].http_address + "/metrics");
    EXPECT_THAT(metrics.body, Not(HasSubstr(key)));
    EXPECT_EQ(one.stop().code, 0);
    EXPECT_THAT(one.up().output() + one.up().errors(), Not(HasSubstr(key)));
  }
  std::string exported;
  for (const auto& request : collector.requests())
    exported += request.body;
  EXPECT_THAT(exported, AllOf(HasSubstr("the key ***"), Not(HasSubstr(key))));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(user.path() / "state"))
    if (entry.is_regular_file()) {
      EXPECT_THAT(read_file(entry.path()), Not(HasSubstr(key))) << entry.path();
    }
}

/// A pipe that nobody writes into: who opened it to read waited for ever.
TEST_F(talkative_providers, whose_key_cannot_be_read_stop_no_other) {
  ASSERT_EQ(::mkfifo((user.path() / "pipe").c_str(), 0600), 0);
  role("waits", "stuck/any");
  cluster one{user, {.nodes = 1}};
  auto stuck = send("waits", "hello", {"--timeout", "10s"});
  EXPECT_EQ(stuck.ended.code, 69) << stuck.shown();
  EXPECT_THAT(stuck.err, HasSubstr("pipe is no regular file"));
  auto fine = send("shout", "hello", {"--timeout", "10s"});
  EXPECT_TRUE(fine.ok()) << fine.shown();
  auto checked = user.troupe({"models", "check", "stuck/any"});
  EXPECT_EQ(checked.ended.code, 1) << checked.shown();
  EXPECT_THAT(checked.out, HasSubstr("pipe is no regular file"));
}

TEST_F(talkative_providers, that_hang_end_their_check_with_a_signal) {
  for (auto signal : {SIGTERM, SIGINT}) {
    std::filesystem::remove(log());
    auto check = user.start({"models", "check", "api/hangs"});
    ASSERT_TRUE(wait_for_line(log(), {"hangs"}, 20s)) << check.errors();
    check.send_signal(signal);
    auto ended = check.wait(10s);
    ASSERT_TRUE(ended) << "it hangs too";
    EXPECT_EQ(ended->code, 130);
  }
}

} // namespace

} // namespace troupe::tests
