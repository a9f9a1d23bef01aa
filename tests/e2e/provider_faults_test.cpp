#include "tests/e2e/simulator.hpp"

#include <algorithm>
#include <set>

/// What providers do wrong, through `troupe send` and through a run: a clear error or the right
/// answer within the deadline; never a hang, never half an answer taken for whole.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* whole_answer = "one two three four five six seven eight";
constexpr auto far_too_long = 30s; ///< a call of a provider has 4 s here

/// A fault of `troupe simulate`, and what the error must hold; null: the answer is right. `set_by`:
/// if it is not `fault:`.
struct told_fault {
  const char* fault;
  const char* told;
  const char* set_by = nullptr;
};

const std::vector<told_fault>& faults() {
  static const std::vector<told_fault> all{
      {"unauthorized", "Incorrect API key"},
      {"forbidden", "does not have permission"},
      {"rate_limited", "Rate limit reached"},
      {"server_error", "had an error while processing"},
      {"unavailable", "currently overloaded"},
      {"overloaded", "has too much to do (status 529): `Overloaded`"},
      {"hang", "no byte of an answer"},
      {"reset", "broke: Recv failure: Connection reset by peer"},
      {"reset_stream", "broke: Recv failure: Connection reset by peer"},
      {"cut_body", "broke: transfer closed with"},
      {"stream_error", "had an error while processing"},
      {"malformed_json", "sent what is no answer (no JSON at byte"},
      {"malformed_sse", "sent what is no answer (no JSON at byte"},
      {"slow_drip", "was not whole within 4 s"},
      {"wrong_type", "text/html"},
      {"huge_answer", "has more than 32 MiB"},
      {"refusal", "refusal refuses to answer: \"I'm sorry, but I can't help with that.\"",
       "refusal: true"},
      {"tool_calls", "tool_calls does not answer but calls the tool \"simulated_tool\"",
       "tool_calls: 1"},
      {"empty", "answered with no text", "reply: \"\""},
      {"none", nullptr},
  };
  return all;
}

class provider_faults : public simulated_models {
protected:
  void SetUp() override {
    std::string rules;
    for (const auto& [fault, words, set_by] : faults())
      rules += std::string{"  - model: "} + fault + "\n    "
               + (set_by ? set_by : std::string{"fault: "} + fault + "\n    reply: " + whole_answer)
               + "\n";
    simulate(rules, {},
             "    timeouts: {connect: 2s, first: 2s, between: 2s, total: 4s}\n    calls_max: 4\n");
    for (const auto& [fault, words, set_by] : faults()) {
      role(named("open", fault), std::string{"open/"} + fault);
      role(named("claude", fault), std::string{"claude/"} + fault);
    }
  }

  static std::string named(const std::string& provider, std::string fault) {
    std::replace(fault.begin(), fault.end(), '_', '-');
    return provider + "-" + fault;
  }

  /// One command's result for one fault.
  static void check(const char* provider, const told_fault& fault, const command_result& result,
                    clock::duration lasted) {
    EXPECT_LT(lasted, far_too_long) << result.shown();
    ASSERT_TRUE(result.in_time) << result.shown();
    if (!fault.told) {
      EXPECT_TRUE(result.ok()) << result.shown();
      EXPECT_THAT(result.out, HasSubstr(whole_answer));
      return;
    }
    // The work failed, or there was no room for it, or it took too long.
    EXPECT_THAT(result.ended.code, AnyOf(1, 69, 124)) << result.shown();
    EXPECT_THAT(result.out, Not(HasSubstr("eight"))) << "no whole answer";
    EXPECT_THAT(result.err, HasSubstr(fault.told)) << result.shown();
    EXPECT_THAT(result.err, HasSubstr(provider)) << "whose fault it is";
  }
};

TEST_F(provider_faults, are_clear_errors_of_send) {
  cluster one{user, {.nodes = 1}};
  for (const auto& fault : faults())
    for (const char* provider : {"open", "claude"}) {
      SCOPED_TRACE(std::string{provider} + " " + fault.fault);
      auto begun = clock::now();
      auto sent = send(named(provider, fault.fault), "Count.");
      check(provider, fault, sent, clock::now() - begun);
    }
}

TEST_F(provider_faults, are_clear_errors_of_a_run) {
  cluster one{user, {.nodes = 1}};
  for (const auto& fault : faults())
    for (const char* provider : {"open", "claude"}) {
      SCOPED_TRACE(std::string{provider} + " " + fault.fault);
      auto begun = clock::now();
      auto ran = run(named(provider, fault.fault), "Count.");
      check(provider, fault, ran, clock::now() - begun);
    }
}

/// The table above lacks none.
TEST_F(provider_faults, are_all_told_of_here) {
  auto asked = user.troupe({"simulate", "--port", "0", "--fault", "everything"});
  EXPECT_EQ(asked.ended.code, 64) << asked.shown();
  auto at = asked.err.find("expected one of ");
  ASSERT_NE(at, asked.err.npos) << asked.shown();
  auto names = asked.err.substr(at + 16);
  std::set<std::string> listed, told;
  for (std::size_t from = 0; from < names.size();) {
    auto until = std::min(names.find_first_of(", \n", from), names.size());
    if (until > from)
      listed.insert(names.substr(from, until - from));
    from = until + 1;
  }
  for (const auto& one : faults())
    if (!one.set_by)
      told.insert(one.fault);
  EXPECT_EQ(listed, told);
}

TEST_F(provider_faults, of_an_endless_answer_cost_bounded_memory) {
  cluster one{user, {.nodes = 1}};
  ASSERT_TRUE(send("open-none", "Warm up.").ok());
  auto pid = one.nodes()[0].pid;
  auto before = peak_resident_bytes(pid);
  for (const char* provider : {"open", "claude"})
    EXPECT_EQ(send(named(provider, "huge_answer"), "Count.").ended.code, 1);
  // 200 MiB are offered; an answer may have 32 MiB, and stands in memory twice while it is read.
  EXPECT_LT(peak_resident_bytes(pid) - before, 100u << 20);
}

class failing_providers : public simulated_models {
protected:
  /// Their answers have no room for the last four words.
  void cut_answers() {
    simulate("  - reply: " + std::string{whole_answer} + "\n");
    for (const char* provider : {"open", "claude"})
      role(std::string{provider}, std::string{provider} + "/any", "limits: {output_tokens: 4}\n");
  }
  /// The provider is killed while it speaks to the role's agent.
  void kill_while_it_speaks(const std::string& model) {
    simulate("  - between: 100ms\n    reply: " + std::string{whole_answer} + "\n");
    role("slowly", model);
    cluster one{user, {.nodes = 1}};
    auto asking = user.start_shell("$troupe send slowly/a Count. > said");
    ASSERT_TRUE(wait_for_line(user.path() / "said", {"two"}, 20s)) << asking.errors();
    provider_->running().kill_now();
    auto ended = asking.wait(far_too_long);
    ASSERT_TRUE(ended);
    EXPECT_TRUE(asking.wait_for_closed_output(command_deadline));
    EXPECT_EQ(ended->code, 1) << asking.errors();
    EXPECT_THAT(asking.errors(), HasSubstr("piece")) << "after which it broke";
    EXPECT_THAT(read_file(user.path() / "said"), Not(HasSubstr("eight")));
  }
};

TEST_F(failing_providers, that_are_killed_in_mid_stream_are_told_of_by_openais_api) {
  kill_while_it_speaks("open/any");
}

TEST_F(failing_providers, that_are_killed_in_mid_stream_are_told_of_by_anthropics_api) {
  kill_while_it_speaks("claude/any");
}

TEST_F(failing_providers, that_hang_do_not_hold_up_calls_to_another) {
  constexpr int calls_max = 3;
  simulate("  - model: silent\n    fault: hang\n  - reply: " + std::string{whole_answer} + "\n", {},
           "    calls_max: " + std::to_string(calls_max) + "\n");
  role("stuck", "open/silent");
  role("free", "claude/any");
  cluster one{user, {.nodes = 1}};
  std::vector<process> stuck;
  for (int i = 0; i < 2 * calls_max; ++i) // as many again wait for a place
    stuck.push_back(
        user.start({"send", "stuck/" + std::to_string(i), "Count.", "--timeout", "10s"}));
  await_status(user, [](const json& told) {
    return nodes_in(told).at("node-1")["agents"] == 2 * calls_max;
  });
  for (int i = 0; i < 10; ++i) {
    auto sent = send("free", "Count.");
    EXPECT_TRUE(sent.ok()) << sent.shown();
  }
  for (auto& each : stuck)
    EXPECT_FALSE(each.wait(0s)) << "nobody has answered: " << each.errors();
  for (auto& each : stuck)
    EXPECT_TRUE(each.wait(20s));
  EXPECT_TRUE(provider_->wait_for_outcome("cancelled", 10s)) << "the calls were taken back";
}

TEST_F(failing_providers, that_send_a_byte_at_a_time_are_understood) {
  const std::string said = "Gr\u00fc\u00dfe \u6f22\u5b57 \U0001F469\u200D\U0001F680 e\u0301";
  simulate("  - fault: slow_drip\n    between: 1ms\n    reply: \"" + said + "\"\n");
  role("open", "open/any");
  role("claude", "claude/any");
  cluster one{user, {.nodes = 1}};
  for (const char* name : {"open", "claude"}) {
    auto sent = send(name, "Greet.");
    EXPECT_TRUE(sent.ok()) << sent.shown();
    EXPECT_EQ(sent.out, said + "\n");
    auto ran = run(name, "Greet.");
    EXPECT_TRUE(ran.ok()) << ran.shown();
    EXPECT_THAT(ran.out, HasSubstr(said));
  }
}

/// 20 MB of events, for 0.6 MB of text: the transfer is paused and resumed.
TEST_F(failing_providers, and_readers_that_are_slow_lose_nothing_and_hold_nobody_up) {
  constexpr int words = 80'000;
  simulate("  - model: long\n    output_tokens: " + std::to_string(words)
           + "\n  - reply: " + std::string{whole_answer} + "\n");
  role("long", "open/long", "limits: {output_tokens: 100000}\n");
  role("short", "open/any");
  cluster one{user, {.nodes = 1}};
  ASSERT_TRUE(send("short", "Warm up.").ok());
  auto before = peak_resident_bytes(one.nodes()[0].pid);
  auto reading = user.start_shell("mkfifo go\n$troupe send long/a Count. | "
                                  "(head -c 100 > begun; read -r word < go; cat > rest)");
  ASSERT_TRUE(wait_for_line(user.path() / "begun", {" "}, 20s)) << reading.errors();
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(send("short", "Count.").ok()) << "others go on";
  ASSERT_TRUE(user.shell("echo go > go").ok());
  ASSERT_TRUE(reading.wait(60s));
  auto text = read_file(user.path() / "begun") + read_file(user.path() / "rest");
  EXPECT_EQ(std::count(text.begin(), text.end(), ' ') + 1, words);
  EXPECT_LT(peak_resident_bytes(one.nodes()[0].pid) - before, 64u << 20);
}

constexpr const char* cut_words = "was cut at the limit of 4 tokens";

TEST_F(failing_providers, that_cut_an_answer_are_told_of_by_send) {
  cut_answers();
  cluster one{user, {.nodes = 1}};
  for (const std::string provider : {"open", "claude"}) {
    auto sent = send(provider, "Count.");
    EXPECT_TRUE(sent.ok()) << sent.shown();
    EXPECT_EQ(sent.out, "one two three four\n");
    EXPECT_THAT(sent.err, HasSubstr("troupe: the answer of " + provider + "/any " + cut_words));
    auto told = send(provider, "Count.", {"--json"}).parsed();
    EXPECT_EQ(told.at("notes").at(0).at("note"), "the answer of " + provider + "/any " + cut_words);
  }
}

TEST_F(failing_providers, that_cut_an_answer_are_told_of_by_the_run_that_went_on_with_it) {
  cut_answers();
  cluster one{user, {.nodes = 1}};
  for (const std::string provider : {"open", "claude"}) {
    auto ran = run(provider, "Count.");
    EXPECT_TRUE(ran.ok()) << ran.shown();
    EXPECT_EQ(ran.out, "one two three four\n");
    EXPECT_THAT(ran.err,
                HasSubstr("troupe: task only: the answer of " + provider + "/any " + cut_words));
    auto told = user.troupe({"run", "./own.yaml", "--json"}).parsed();
    EXPECT_EQ(told.at("tasks").at(0).at("notes").at(0),
              "the answer of " + provider + "/any " + cut_words);
  }
}

TEST_F(failing_providers, that_refuse_are_asked_once_by_a_run) {
  simulate("  - refusal: true\n");
  role("polite", "open/any");
  cluster one{user, {.nodes = 1}};
  auto sent = send("polite", "Help.", {"--json"});
  EXPECT_EQ(sent.ended.code, 1) << "it was done, and came to nothing: " << sent.shown();
  EXPECT_EQ(sent.parsed().at("error").at("code"), "refused");
  write_file(user.path() / "thrice.yaml", "graph: thrice\ntasks:\n  - id: only\n    role: polite\n"
                                          "    attempts: 3\n    input: {text: Help.}\n"
                                          "result: $tasks.only\n");
  auto ran = user.troupe({"run", "./thrice.yaml", "--json"});
  EXPECT_EQ(ran.ended.code, 1) << ran.shown();
  EXPECT_EQ(ran.parsed().at("tasks").at(0).at("error").at("code"), "refused");
  EXPECT_EQ(provider_->calls().size(), 2u) << "the same prompt would be declined once more";
}

TEST_F(failing_providers, that_failed_once_answer_the_next_run) {
  simulate("  - first: 1\n    fault: unavailable\n  - reply: " + std::string{whole_answer} + "\n");
  role("again", "open/any");
  cluster one{user, {.nodes = 1}};
  EXPECT_EQ(run("again", "Count.").ended.code, 1) << "of one attempt";
  auto ran = run("again", "Count.");
  EXPECT_TRUE(ran.ok()) << ran.shown();
  EXPECT_THAT(ran.out, HasSubstr(whole_answer));
}

} // namespace

} // namespace troupe::tests
