#include "tests/e2e/simulator.hpp"

#include <ctime>

/// The wall clock of the machine jumps, a day forwards and an hour back, for the nodes, the command
/// and the provider alike. Debian's libfaketime makes it: an offset that every process reads at
/// each look at the wall clock; the monotonic clock goes on.
namespace troupe::tests {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* reply = "one two three four five six seven eight nine ten";
constexpr auto deadline = 4s;
constexpr const char* offsets[] = {"+86400", "-3600"};

/// The library, where Debian puts it for this machine's architecture; empty: it is not installed.
std::filesystem::path find_library() {
  for (const auto& entry : std::filesystem::directory_iterator{"/usr/lib"})
    if (auto file = entry.path() / "faketime/libfaketimeMT.so.1"; std::filesystem::exists(file))
      return file;
  return {};
}

class clock_jumps : public simulated_models {
protected:
  void SetUp() override {
    auto library = find_library();
    if (library.empty() && is_required("faketime"))
      FAIL() << "TROUPE_REQUIRE=faketime, but there is none";
    if (library.empty())
      GTEST_SKIP() << "libfaketime is needed: `scripts/setup --tests` installs it (with "
                      "TROUPE_REQUIRE=faketime this fails)";
    jump("+0");
    user.set("FAKETIME_TIMESTAMP_FILE", offset_file().string());
    user.set("FAKETIME_NO_CACHE", "1");
    user.set("DONT_FAKE_MONOTONIC", "1");
    user.set("LD_PRELOAD", library.string());
    simulate(std::string{"  - model: slow\n    between: 200ms\n    reply: "} + reply
             + "\n  - model: silent\n    fault: hang\n  - latency: 500ms\n    reply: Yes.\n");
    role("slow", "open/slow");
    role("silent", "open/silent");
    role("quick", "open/quick");
  }

  std::filesystem::path offset_file() const { return user.path() / "offset"; }

  /// By a rename, so that nobody reads half of it.
  void jump(const std::string& offset) const {
    auto next = user.path() / "offset-next";
    write_file(next, offset + "\n");
    std::filesystem::rename(next, offset_file());
  }

  /// Every span of the last trace ends after it has begun, and none is missing.
  void expect_sound_trace() const {
    auto told = user.troupe({"trace", "last", "--json"});
    ASSERT_TRUE(told.ok()) << told.shown();
    auto trace = told.parsed();
    EXPECT_FALSE(trace["spans"].empty());
    EXPECT_THAT(orphans_of(trace_in(trace)), IsEmpty());
    for (const auto& span : trace["spans"]) {
      auto begun = span["start_ns"].get<std::uint64_t>(),
           ended = span["end_ns"].get<std::uint64_t>();
      EXPECT_GE(ended, begun) << span.dump(1);
      EXPECT_LT(ended - begun, std::uint64_t{60'000'000'000})
          << "it took no hours: " << span.dump(1);
    }
  }

  /// The log of a run's owner has the wall clock's time: that of nodes has jumped too.
  void expect_nodes_at(const std::string& offset) const {
    auto hour_there = [&] {
      auto there = std::time(nullptr) + std::stol(offset);
      char text[32];
      std::strftime(text, sizeof text, "\"%Y-%m-%dT%H:", std::gmtime(&there));
      return std::string{text};
    };
    auto hour = hour_there();
    auto ran = user.troupe({"run", "chain", "--durability", "sync", "--json"});
    ASSERT_TRUE(ran.ok()) << ran.shown();
    auto told = ran.parsed();
    auto log = user.data() / std::string{told.at("owner")} / "log.jsonl";
    EXPECT_TRUE(wait_for_line(log, {hour, std::string{told.at("run")}, "has ended"}, 10s)
                || hour != hour_there())
        << "the clock of " << told.at("owner") << " has not jumped by " << offset;
  }

  static bool is_asked(const cluster& where) {
    for (auto end = clock::now() + 20s; clock::now() < end;) // each question is a connection
      for (const auto& node : where.nodes())
        if (http_get("http://" + node.http_address + "/metrics")
                .body.find("llm_calls_running{provider=\"open\"} 1")
            != std::string::npos)
          return true;
    return false;
  }

  /// A `troupe send` with a deadline, to a provider that says nothing. The clock jumps when that
  /// has been asked.
  void expect_deadline(const cluster& where, const std::string& offset) const {
    auto begun = clock::now();
    auto asking = user.start({"send", "silent/a", "Hello?", "--timeout", "4s"});
    ASSERT_TRUE(is_asked(where)) << asking.errors();
    jump(offset);
    auto ended = asking.wait(command_deadline);
    auto lasted = clock::now() - begun;
    ASSERT_TRUE(ended) << "it does not end after " << offset;
    EXPECT_EQ(ended->code, 124) << asking.errors();
    EXPECT_GE(lasted, deadline) << offset;
    EXPECT_LT(lasted, 5 * deadline) << offset;
  }
};

TEST_F(clock_jumps, in_mid_stream_lose_nothing_of_an_answer) {
  cluster two{user, {.nodes = 2}};
  for (auto offset : offsets) {
    auto asking = user.start({"send", "slow/a", "Count."});
    ASSERT_TRUE(asking.wait_for_output("two", 20s)) << asking.errors();
    jump(offset);
    auto ended = asking.wait(command_deadline);
    ASSERT_TRUE(ended) << "it does not end after " << offset;
    ASSERT_TRUE(asking.wait_for_closed_output(10s));
    EXPECT_EQ(ended->code, 0) << offset << asking.errors();
    EXPECT_EQ(asking.output(), std::string{reply} + "\n");
    expect_sound_trace();
  }
  for (const auto& node : two.nodes())
    EXPECT_TRUE(is_running(node.pid)) << node.name;
}

TEST_F(clock_jumps, neither_bring_deadlines_forward_nor_put_them_off) {
  cluster two{user, {.nodes = 2}};
  for (auto offset : offsets) {
    expect_deadline(two, offset);
    auto other = send("quick", "Are you there?"); // by a command that begins after the jump
    EXPECT_TRUE(other.ok()) << other.shown();
    EXPECT_EQ(other.out, "Yes.\n");
    expect_nodes_at(offset);
    expect_sound_trace();
  }
}

TEST_F(clock_jumps, within_a_run_change_nothing) {
  write_file(user.path() / "own.yaml",
             "graph: own\ninputs:\n  words: {type: list}\ntasks:\n  - id: each\n    role: quick\n"
             "    for_each: $inputs.words\n    attempts: 1\n    input: {text: $item}\n"
             "  - id: last\n    role: slow\n    attempts: 1\n    input: {text: Count., "
             "before: $tasks.each}\n"
             "result: $tasks.last\n");
  cluster two{user, {.nodes = 2}};
  std::size_t calls = 0;
  for (auto offset : offsets) {
    auto running = user.start({"run", "./own.yaml", "--input", "words=a,b,c"});
    for (auto end = clock::now() + 20s; provider_->calls().size() < calls + 1;)
      ASSERT_LT(clock::now(), end) << running.errors();
    jump(offset);
    auto ended = running.wait(command_deadline);
    ASSERT_TRUE(ended) << "it does not end after " << offset;
    ASSERT_TRUE(running.wait_for_closed_output(10s));
    EXPECT_EQ(ended->code, 0) << offset << running.errors();
    EXPECT_THAT(running.output(), HasSubstr(reply));
    expect_sound_trace();
    calls = provider_->calls().size();
    EXPECT_EQ(calls % 4, 0u) << "nothing was asked twice";
  }
}

} // namespace

} // namespace troupe::tests
