#include "tests/e2e/simulator.hpp"

#include <csignal>

/// `troupe simulate` as a program of its own: real clients, signals, its ledger, its mistakes.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr const char* clients = TROUPE_SOURCE_DIR "/tests/support/servers/real_clients";

class simulate : public e2e_test {
protected:
  /// curl's output for a chat; `more` are further flags.
  command_result chat(const simulator& of, const std::string& more = "") const {
    return user.shell("curl -sS --noproxy '*' " + more + " " + of.url()
                      + "/v1/chat/completions -H 'Authorization: Bearer sk-secret-key' -d '"
                        R"({"model": "m", "stream": true, "messages": [)"
                        R"({"role": "user", "content": "Where is it?"}]})"
                        "'");
  }
  std::string ledger() const { return (user.path() / "ledger.jsonl").string(); }
};

TEST_F(simulate, serves_the_clients_of_openai_and_anthropic) {
  process have{{.program = std::string{clients} + ".sh", .arguments = {"have"}}};
  auto python = have.read_line(10s);
  if (!python) {
    if (is_required("clients"))
      FAIL() << "TROUPE_REQUIRE=clients, but there are none: " << have.errors();
    GTEST_SKIP() << "the Python clients of OpenAI and Anthropic are needed, from a package registry"
                    " (with TROUPE_REQUIRE=clients this fails): "
                 << have.errors();
  }
  simulator one{user, {"--strict", "--models", "gpt-4o,claude-x,embed"}};
  auto asked = user.shell(*python + " " + clients + ".py " + one.url());
  EXPECT_TRUE(asked.ok()) << asked.shown();
  EXPECT_THAT(asked.out, HasSubstr("faults fine"));
}

TEST_F(simulate, lets_open_calls_end_when_it_is_interrupted) {
  for (auto signal : {SIGINT, SIGTERM}) {
    auto said = "said" + std::to_string(signal);
    simulator one{user, {"--tokens-per-second", "20", "--output-tokens", "10"}};
    auto asking =
        user.start_shell("curl -sSN --noproxy '*' " + one.url() + "/v1/messages > " + said
                         + " -d '"
                           R"({"model": "m", "max_tokens": 50, "stream": true, "messages": [)"
                           R"({"role": "user", "content": "Where is it?"}]})"
                           "'");
    ASSERT_TRUE(wait_for_line(user.path() / said, {"text_delta"}, 20s));
    one.running().send_signal(signal);
    auto ended = one.running().wait(20s);
    ASSERT_TRUE(ended);
    EXPECT_EQ(to_string(*ended), to_string(exit_state{.code = 0}));
    EXPECT_EQ(one.running().errors(), "");
    EXPECT_EQ(asking.wait(20s).value_or(exit_state{}).code, 0);
    EXPECT_THAT(read_file(user.path() / said), HasSubstr("message_stop"));
  }
}

TEST_F(simulate, ends_at_once_when_it_is_interrupted_twice) {
  simulator one{user, {"--fault", "hang"}};
  auto asking = user.start_shell("curl -sS -v --noproxy '*' 2> said " + one.url()
                                 + "/v1/messages -d '{\"model\": \"m\", \"max_tokens\": 5, "
                                   "\"messages\": [{\"role\": \"user\", \"content\": \"?\"}]}'");
  ASSERT_TRUE(wait_for_line(user.path() / "said", {"POST /v1/messages"}, 20s));
  auto begun = clock::now();
  one.running().send_signal(SIGINT);
  one.running().send_signal(SIGTERM);
  auto ended = one.running().wait(20s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 0);
  EXPECT_LT(clock::now() - begun, 4s) << "it waits 5 s for open calls if it is asked once";
  EXPECT_NE(asking.wait(20s).value_or(exit_state{}).code, 0);
}

TEST_F(simulate, keeps_its_ledger_when_it_is_killed) {
  std::string first;
  {
    simulator one{user, {"--ledger", ledger()}};
    for (int i = 0; i < 3; ++i)
      EXPECT_TRUE(chat(one).ok());
    auto asking = user.start_shell("curl -sS --noproxy '*' -H 'X-Simulate-Fault: hang' " + one.url()
                                   + "/v1/messages -d '{\"model\": \"m\", \"max_tokens\": 5, "
                                     "\"messages\": [{\"role\": \"user\", \"content\": \"?\"}]}'");
    first = one.calls().dump();
    one.running().kill_now();
    EXPECT_TRUE(asking.wait(20s));
  }
  write_file(ledger(), read_file(ledger()) + "{\"id\":\"00"); // as a kill within a write leaves it
  simulator again{user, {"--ledger", ledger()}};
  EXPECT_EQ(again.calls().dump(), first);
  EXPECT_TRUE(chat(again).ok());
  EXPECT_THAT(again.calls(), SizeIs(4));
  auto sum = json::parse(http_get(again.url() + "/ledger/sum").body);
  EXPECT_EQ(sum["calls"], 4);
  EXPECT_EQ(sum["outcomes"]["answered"], 4);
  auto each = again.calls()[0];
  EXPECT_EQ(sum["billed_nano_usd"], 4 * each["billed_nano_usd"].get<std::uint64_t>())
      << "the same question costs the same";
  EXPECT_EQ(each["billed_nano_usd"], each["input_tokens"].get<std::uint64_t>() * 1'000
                                         + each["output_tokens"].get<std::uint64_t>() * 4'000);
  EXPECT_EQ(read_file(ledger()).find("sk-secret-key"), std::string::npos);
  auto emptied = user.shell("curl -sS --noproxy '*' -X DELETE " + again.url() + "/ledger");
  EXPECT_TRUE(emptied.ok()) << emptied.shown();
  EXPECT_EQ(read_file(ledger()), "");
}

TEST_F(simulate, obeys_its_flags) {
  constexpr double least = 0.3; // the half of all calls wait as long, the others longer
  simulator one{
      user,
      {"--strict", "--models", "m,n", "--latency", "p50=300ms p99=400ms", "--ledger", ledger()}};
  const std::string typed = "-H 'Content-Type: application/json' ";
  auto asked = chat(one, typed + "-o said -w '%{http_code} %{time_starttransfer}'");
  ASSERT_TRUE(asked.out.starts_with("200 ")) << asked.shown();
  EXPECT_GE(std::stod(asked.out.substr(4)), least);
  auto listed = json::parse(http_get(one.url() + "/v1/models").body);
  EXPECT_THAT(listed["data"], SizeIs(2));
  auto refused = [&](const std::string& body) {
    auto told = user.shell("curl -sS --noproxy '*' -H 'Authorization: Bearer sk-secret-key' "
                           + typed + one.url() + "/v1/chat/completions -d '" + body + "'");
    return json::parse(told.out, nullptr, false)["error"];
  };
  constexpr const char* messages = R"("messages": [{"role": "user", "content": "?"}])";
  EXPECT_EQ(refused(std::string{R"({"model": "o", )"} + messages + "}")["code"], "model_not_found");
  EXPECT_EQ(refused(std::string{R"({"model": "m", "foo": 1, )"} + messages + "}")["param"], "foo");
  EXPECT_THAT(one.calls(), SizeIs(1)) << "what is refused for its form is not billed";
  auto emptied =
      user.shell("curl -sS --noproxy '*' -w '%{http_code}' -X DELETE " + one.url() + "/ledger");
  EXPECT_THAT(emptied.out, ::testing::EndsWith("200")) << emptied.shown();
  EXPECT_THAT(one.calls(), SizeIs(0));
  EXPECT_EQ(json::parse(http_get(one.url() + "/ledger/sum").body)["calls"], 0);
  EXPECT_TRUE(chat(one, typed).ok());
  EXPECT_THAT(one.calls(), SizeIs(1)) << "it goes on";
}

TEST_F(simulate, is_repeatable_by_its_seed) {
  auto said = [&](const char* seed) {
    simulator one{user, {"--seed", seed, "--output-tokens", "20"}};
    auto streamed = chat(one);
    std::string text;
    for (auto at = streamed.out.find("\"content\":\""); at != std::string::npos;
         at = streamed.out.find("\"content\":\"", at + 1))
      text += streamed.out.substr(at + 11, streamed.out.find('"', at + 11) - at - 11);
    return text;
  };
  auto before = said("1");
  EXPECT_EQ(std::count(before.begin(), before.end(), ' '), 19) << before;
  EXPECT_EQ(said("1"), before);
  EXPECT_NE(said("2"), before);
}

TEST_F(simulate, tells_mistakes_before_it_listens) {
  write_file(user.path() / "rules.yaml", "rules:\n  - modle: gpt\n    fault: reset\n");
  auto wrong = user.troupe({"simulate", "--port", "0", "--rules", "rules.yaml"});
  EXPECT_EQ(wrong.ended.code, 78) << wrong.shown();
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("rules.yaml:2:5"), HasSubstr("model")));
  auto fault = user.troupe({"simulate", "--port", "0", "--fault", "resett"});
  EXPECT_EQ(fault.ended.code, 64) << fault.shown();
  EXPECT_THAT(fault.err, HasSubstr("did you mean reset"));
  write_file(user.path() / "notes.txt", "not a ledger\n");
  auto other = user.troupe({"simulate", "--port", "0", "--ledger", "notes.txt"});
  EXPECT_NE(other.ended.code, 0);
  EXPECT_THAT(other.err, HasSubstr("is no ledger"));
  EXPECT_EQ(read_file(user.path() / "notes.txt"), "not a ledger\n") << "left as it was";
  simulator one{user, {}};
  auto port = one.url().substr(one.url().rfind(':') + 1);
  auto taken = user.troupe({"simulate", "--port", port});
  EXPECT_EQ(taken.ended.code, 69) << taken.shown();
  EXPECT_THAT(taken.err, HasSubstr("choose another port"));
}

} // namespace

} // namespace troupe::tests
