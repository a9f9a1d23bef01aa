#include "tests/e2e/simulator.hpp"

#include <algorithm>
#include <memory>

/// Models that are chosen by a route, through `troupe run` and `troupe send`: providers that fail
/// or go away while others are there, and providers with limits.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* right_answer = "one two three four";

/// Two providers, `first` and `second`, each a process of its own, and the route `auto` over both.
class routes : public e2e_test {
protected:
  void begin(std::vector<std::string> of_first, std::vector<std::string> of_second,
             const std::string& more = "") {
    first = std::make_unique<simulator>(user, with_ledger("first", std::move(of_first)));
    second = std::make_unique<simulator>(user, with_ledger("second", std::move(of_second)));
    std::filesystem::create_directories(roles());
    write_file(config(), "providers:\n" + provider("first", *first) + provider("second", *second)
                             + "routes:\n  auto:\n    policy: fixed\n"
                               "    models: [first/m, second/m]\n"
                             + more + "node:\n  roles: " + roles().string() + "\n");
    user.set("TROUPE_CONFIG", config().string());
    role("asker", "auto");
  }
  void role(const std::string& called, const std::string& model,
            const std::string& more = "") const {
    write_file(roles() / (called + ".yaml"), "role: " + called + "\ndescription: Asks " + model
                                                 + "\nmind: chat\nmodel: " + model + "\n" + more
                                                 + "prompts:\n  answer: \"{{text}}\"\n");
  }
  /// A run of so many calls; none of its tasks has a second attempt.
  process start_run(int calls) const {
    std::string numbers;
    for (int i = 0; i < calls; ++i)
      numbers += (i == 0 ? "" : ",") + std::to_string(i);
    write_file(user.path() / "load.yaml",
               "graph: load\ntasks:\n  - {id: x, role: asker, attempts: 1, for_each: [" + numbers
                   + "], input: {text: $item}}\nresult: $tasks.x\n");
    return user.start({"run", (user.path() / "load.yaml").string(), "--json"});
  }
  static std::size_t answered(const simulator& by) {
    auto calls = by.calls();
    return static_cast<std::size_t>(std::count_if(
        calls.begin(), calls.end(), [](const json& one) { return one["outcome"] == "answered"; }));
  }
  /// Each question is a connection of its own: no busy loop.
  static bool wait_for_answers(const simulator& by, std::size_t least, clock::duration at_most) {
    for (auto end = clock::now() + at_most; clock::now() < end;)
      if (answered(by) >= least)
        return true;
    return false;
  }
  void TearDown() override {
    first.reset();
    second.reset();
    e2e_test::TearDown();
  }

  std::vector<std::string> with_ledger(const std::string& called,
                                       std::vector<std::string> arguments) const {
    auto file = user.path() / (called + ".jsonl");
    std::filesystem::remove(file);
    arguments.insert(arguments.end(), {"--ledger", file.string()});
    return arguments;
  }
  std::filesystem::path roles() const { return user.path() / "roles"; }
  std::filesystem::path config() const { return user.path() / "troupe.yaml"; }

  std::unique_ptr<simulator> first, second;

private:
  static std::string provider(const std::string& called, const simulator& by) {
    return "  " + called + ":\n    kind: openai\n    base_url: " + by.url() + "/v1\n"
           + "    calls_max: 4\n";
  }
};

TEST_F(routes, outlive_an_outage_of_their_first_provider_and_find_it_again) {
  begin({"--latency", "40ms"}, {"--latency", "40ms"});
  auto port = first->url().substr(first->url().rfind(':') + 1);
  cluster one{user, {.nodes = 1}};
  constexpr int calls = 900;
  auto load = start_run(calls);
  ASSERT_TRUE(wait_for_answers(*first, 40, 20s));
  first->running().kill_now();
  ASSERT_TRUE(wait_for_answers(*second, 200, 30s)) << load.errors();
  first = std::make_unique<simulator>(user,
                                      with_ledger("first", {"--port", port, "--latency", "40ms"}));
  EXPECT_TRUE(wait_for_answers(*first, 10, 5s)) << "it is back, and asked again";
  auto ended = load.wait(command_deadline);
  ASSERT_TRUE(ended) << load.errors();
  EXPECT_EQ(ended->code, 0) << "no call was lost: " << load.errors() << load.output();
}

TEST_F(routes, wait_at_the_limit_of_a_provider_and_are_not_refused) {
  begin({"--requests-per-minute", "60"}, {});
  role("asker", "first/m");
  cluster one{user, {.nodes = 1}};
  auto load = start_run(64);
  auto ended = load.wait(command_deadline);
  ASSERT_TRUE(ended) << load.errors();
  EXPECT_EQ(ended->code, 0) << load.errors();
  auto billed = first->calls();
  EXPECT_EQ(billed.size(), 64u);
  EXPECT_THAT(billed.dump(), Not(HasSubstr("rate_limited")));
  auto checked = user.troupe({"models", "check", "first/m"});
  EXPECT_THAT(checked.out, HasSubstr("60 requests")) << checked.shown();
}

TEST_F(routes, go_to_another_provider_when_the_limit_of_the_first_is_used_up) {
  begin({"--requests-per-minute", "30"}, {});
  cluster one{user, {.nodes = 1}};
  auto load = start_run(80);
  auto ended = load.wait(command_deadline);
  ASSERT_TRUE(ended) << load.errors();
  EXPECT_EQ(ended->code, 0) << load.errors();
  EXPECT_GE(answered(*first), 30u);
  EXPECT_GE(answered(*second), 20u);
}

TEST_F(routes, stand_in_the_trace_with_all_attempts) {
  write_file(user.path() / "rules.yaml", "rules:\n  - fault: server_error\n");
  begin({"--rules", (user.path() / "rules.yaml").string()}, {}, "    attempts: {each: 1}\n");
  cluster one{user, {.nodes = 1}};
  auto sent = user.troupe({"send", "asker/a", "Why?"});
  ASSERT_TRUE(sent.ok()) << sent.shown();
  auto trace = trace_in(user.troupe({"trace", "last", "--json"}).parsed());
  std::vector<std::string> asked;
  for (const auto& span : trace.spans)
    if (span.name == "POST") {
      asked.push_back(span.attributes.value("troupe.provider", ""));
      EXPECT_THAT(span.attributes.value("troupe.route", ""), HasSubstr("fixed: "));
    }
  std::sort(asked.begin(), asked.end());
  EXPECT_THAT(asked, ::testing::ElementsAre("first", "second"));
  EXPECT_TRUE(orphans_of(trace).empty());
}

TEST_F(routes, that_nobody_answers_have_one_error_that_names_every_attempt) {
  write_file(user.path() / "rules.yaml", "rules:\n  - fault: server_error\n");
  std::vector<std::string> ill{"--rules", (user.path() / "rules.yaml").string()};
  begin(ill, ill, "    attempts: {each: 1}\n");
  cluster one{user, {.nodes = 1}};
  auto sent = user.troupe({"send", "asker/a", "Why?"});
  EXPECT_NE(sent.ended.code, 0);
  EXPECT_THAT(sent.err, AllOf(HasSubstr("no model answered in 2 attempts: 1. first/m after"),
                              HasSubstr("; 2. second/m after")));
}

TEST_F(routes, are_explained_for_a_role_and_its_task) {
  begin({}, {}, "");
  write_file(config(),
             "providers:\n  open:\n    kind: openai\n    base_url: http://127.0.0.1:9/v1\n"
             "routes:\n  auto:\n    models: [open/gpt-4o-mini, open/gpt-4o]\n"
             "    otherwise: small\n"
             "    rules: [{task: planning, above: 0.5, tier: large}]\n"
             "node:\n  roles: "
                 + roles().string() + "\n");
  role("planner", "auto", "task: planning\n");
  auto hard =
      user.troupe({"route", "--explain", "Go.", "--role", "planner", "--complexity", "0.7"});
  EXPECT_THAT(hard.out, HasSubstr("1. open/gpt-4o (large")) << hard.shown();
  auto easy =
      user.troupe({"route", "--explain", "Go.", "--role", "planner", "--complexity", "0.2"});
  EXPECT_THAT(easy.out, HasSubstr("1. open/gpt-4o-mini (small")) << easy.shown();

  std::string long_words;
  for (int i = 0; i < 300; ++i)
    long_words += "Be kind. ";
  write_file(roles() / "kind.yaml", "role: kind\ndescription: Is kind\nmind: chat\nmodel: auto\n"
                                    "prompts:\n  system: \""
                                        + long_words + "\"\n  answer: \"Say why: {{text}}\"\n");
  auto kind = user.troupe({"route", "--explain", "Go.", "--role", "kind", "--json"});
  ASSERT_TRUE(kind.ok()) << kind.shown();
  EXPECT_GE(kind.parsed()["input_tokens"], 600) << "its system prompt counts";
}

// -- faults ---------------------------------------------------------------------------------------

/// Chains of three providers of which only the last one is sound: for each fault of `troupe
/// simulate` a route.
class chains_of_three : public routes,
                        public ::testing::WithParamInterface<std::vector<const char*>> {
protected:
  void SetUp() override {
    std::string rules, chains;
    for (const auto* fault : GetParam()) {
      rules += std::string{"  - model: "} + fault + "\n    fault: " + fault
               + "\n    after: 0\n    reply: " + right_answer + "\n";
      chains += "  chain-" + dashed(fault) + ":\n    policy: fixed\n    models: [one/" + fault
                + ", two/" + fault + ", three/sound]\n    attempts: {each: 1}\n";
    }
    write_file(user.path() / "rules.yaml",
               "rules:\n" + rules + "  - model: sound\n    reply: " + right_answer + "\n");
    first = std::make_unique<simulator>(
        user, with_ledger("first", {"--rules", (user.path() / "rules.yaml").string()}));
    std::string providers;
    for (const auto* called : {"one", "two", "three"})
      providers += std::string{"  "} + called
                   + ":\n    kind: " + (std::string_view{called} == "two" ? "anthropic" : "openai")
                   + "\n    base_url: " + first->url()
                   + (std::string_view{called} == "two" ? "" : "/v1")
                   + "\n    timeouts: {connect: 1s, first: 1s, between: 1s, total: 2s}\n";
    std::filesystem::create_directories(roles());
    write_file(config(), "providers:\n" + providers + "routes:\n" + chains
                             + "node:\n  roles: " + roles().string() + "\n");
    user.set("TROUPE_CONFIG", config().string());
    for (const auto* fault : GetParam())
      role(dashed(fault), "chain-" + dashed(fault));
  }
  static std::string dashed(std::string fault) {
    std::replace(fault.begin(), fault.end(), '_', '-');
    return fault;
  }
};

/// A task wants its answer whole, so what breaks in the middle can be asked of another.
TEST_P(chains_of_three, give_the_right_answer_if_one_can) {
  cluster one{user, {.nodes = 1}};
  for (const auto* fault : GetParam()) {
    SCOPED_TRACE(fault);
    write_file(user.path() / "own.yaml",
               "graph: own\ntasks:\n  - id: only\n    role: " + dashed(fault)
                   + "\n    attempts: 1\n    input: {text: Count.}\n"
                     "result: $tasks.only\n");
    auto ran = user.troupe({"run", (user.path() / "own.yaml").string()});
    EXPECT_TRUE(ran.ok()) << ran.shown();
    EXPECT_THAT(ran.out, HasSubstr(right_answer));
  }
  // The HTTP client sends again what finds a kept connection broken (telemetry/http_loop.hpp), so
  // each of the two that break it may see a call twice.
  auto resets = std::count(GetParam().begin(), GetParam().end(), std::string_view{"reset"});
  EXPECT_LE(first->calls().size(), 3 * GetParam().size() + 2 * static_cast<std::size_t>(resets))
      << "each was asked once";
}

/// In groups: each chain needs two further attempts, and a node has ten in ten seconds.
INSTANTIATE_TEST_SUITE_P(
    of_faults, chains_of_three,
    ::testing::Values(std::vector{"unauthorized", "forbidden", "rate_limited", "server_error"},
                      std::vector{"unavailable", "overloaded", "reset", "reset_stream"},
                      std::vector{"cut_body", "stream_error", "malformed_json", "malformed_sse"},
                      std::vector{"hang", "slow_drip", "wrong_type", "huge_answer"}));

} // namespace

} // namespace troupe::tests
