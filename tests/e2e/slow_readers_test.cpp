#include "config/limits/links.hpp"
#include "config/limits/reading_pace.hpp"
#include "tests/e2e/simulator.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

/// A provider that has far more to say than the reader of `troupe send` takes: it is stopped, goes
/// on when the reader does, and costs nothing more when the reader has gone.
namespace troupe::tests {

namespace {

using ::testing::HasSubstr;

constexpr std::size_t pieces = 230'000; ///< 28 MB of events; an answer may have 32 MiB
/// A node takes all of it in about two seconds, and takes a silent client for dead in 30.
constexpr auto reads_nothing = limits::client_silence_max + 3s;
/// What the provider may have said by then: the window, and what the buffers of the system hold.
constexpr std::uint64_t said_max = pieces / 2;

class slow_readers : public simulated_models {
protected:
  void SetUp() override {
    simulate("  - model: endless\n    output_tokens: " + std::to_string(pieces)
             + "\n  - reply: Yes.\n");
    role("talker", "claude/endless", "limits: {output_tokens: 300000}\n");
    role("quick", "open/quick");
    ASSERT_EQ(::mkfifo(pipe_path().c_str(), 0600), 0);
    pipe_ = ::open(pipe_path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(pipe_, 0);
  }
  void TearDown() override {
    ::close(pipe_);
    simulated_models::TearDown();
  }

  std::filesystem::path pipe_path() const { return user.path() / "said"; }

  /// `troupe send`, whose output nobody reads so far; returns when the provider is held up.
  process ask(const std::string& more = "") const {
    auto asking =
        user.start_shell("exec $troupe send talker/a Go. " + more + " > " + pipe_path().string());
    auto log = user.data() / "node-1" / "log.jsonl";
    EXPECT_TRUE(wait_for_line(log, {"talker/a", "is held up by its reader"}, 20s))
        << asking.errors();
    return asking;
  }
  /// Everything until the other end is closed.
  std::string read_all() const {
    std::string text;
    for (auto end = clock::now() + command_deadline; clock::now() < end;) {
      pollfd ready{pipe_, POLLIN, 0};
      ::poll(&ready, 1, 1'000);
      char bytes[64 * 1024];
      auto got = ::read(pipe_, bytes, sizeof bytes);
      if (got == 0)
        return text;
      if (got > 0)
        text.append(bytes, static_cast<std::size_t>(got));
    }
    ADD_FAILURE() << "it does not end";
    return text;
  }

  cluster_options one_node{.nodes = 1, .arguments = {"--log-level", "debug"}};
  int pipe_ = -1;
};

TEST_F(slow_readers, stop_their_provider_and_get_the_whole_answer_when_they_read) {
  cluster one{user, one_node};
  ASSERT_TRUE(send("quick", "Warm up.").ok());
  auto before = peak_resident_bytes(one.nodes()[0].pid);
  auto asking = ask("--timeout 5m");
  EXPECT_FALSE(asking.wait(reads_nothing)); // that long nobody reads
  auto calls = provider_->calls();
  ASSERT_EQ(calls.size(), 1u) << "it has more to say, and waits: " << calls.back();
  auto other = send("quick", "Are you there?");
  EXPECT_TRUE(other.ok()) << other.shown();
  EXPECT_LT(peak_resident_bytes(one.nodes()[0].pid) - before, 8u << 20);
  auto text = read_all();
  auto ended = asking.wait(command_deadline);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 0) << asking.errors();
  EXPECT_EQ(asking.errors(), "") << "its link was there all the time";
  EXPECT_EQ(std::count(text.begin(), text.end(), ' ') + 1, static_cast<std::ptrdiff_t>(pieces));
  ASSERT_TRUE(provider_->wait_for_outcome("answered", 10s));
  for (const auto& call : provider_->calls())
    EXPECT_EQ(call["outcome"], "answered");
}

TEST_F(slow_readers, who_have_gone_cost_nothing_more) {
  cluster one{user, one_node};
  auto asking = ask("--timeout 10m");
  asking.kill_now();
  ASSERT_TRUE(provider_->wait_for_outcome("cancelled", 30s)) << "long before the deadline";
  EXPECT_LT(provider_->calls().back()["output_tokens"].get<std::uint64_t>(), said_max);
}

TEST_F(slow_readers, who_never_read_end_at_their_deadline) {
  cluster one{user, one_node};
  auto asking = ask("--timeout 3s");
  ASSERT_TRUE(provider_->wait_for_outcome("cancelled", 20s));
  EXPECT_LT(provider_->calls().back()["output_tokens"].get<std::uint64_t>(), said_max);
  auto metrics = http_get("http://" + one.nodes()[0].http_address + "/metrics");
  EXPECT_THAT(metrics.body, HasSubstr("llm_calls_abandoned_total{reason="));
  read_all();
  auto ended = asking.wait(command_deadline);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 124) << asking.errors();
}

/// A provider that takes its time: a second for each word.
class gone_clients : public simulated_models {
protected:
  void SetUp() override {
    simulate("  - between: 1s\n    reply: " + words() + "\n", {}, "    calls_max: 1\n");
    role("first", "open/any");
    role("second", "claude/any");
    role("third", "claude/any");
  }
  static std::string words() {
    std::string all;
    for (int i = 0; i < 90; ++i)
      all += "word ";
    return all + "end";
  }
  std::string log() const { return (user.data() / "node-1" / "log.jsonl").string(); }
};

TEST_F(gone_clients, are_not_paid_for_until_their_deadline) {
  cluster one{user, {.nodes = 1}};
  auto asking = user.start_shell("exec $troupe send first/a Count. --timeout 2m > said");
  ASSERT_TRUE(wait_for_line(user.path() / "said", {"word"}, 20s)) << asking.errors();
  asking.kill_now();
  ASSERT_TRUE(provider_->wait_for_outcome("cancelled", limits::stream_reader_gone_max + 5s));
  EXPECT_LT(provider_->calls().back()["output_tokens"].get<int>(), 20);
}

TEST_F(gone_clients, whose_calls_wait_for_their_turn_are_never_made) {
  cluster one{user, {.nodes = 1, .arguments = {"--log-level", "debug"}}};
  auto asking = user.start_shell("exec $troupe send second/a Count. --timeout 2m > said");
  ASSERT_TRUE(wait_for_line(user.path() / "said", {"word"}, 20s)) << asking.errors();
  auto waiting = user.start({"send", "third/a", "Count.", "--timeout", "2m"});
  ASSERT_TRUE(wait_for_line(log(), {"third/a asks models"}, 20s));
  waiting.kill_now();
  EXPECT_TRUE(
      wait_for_line(log(), {"third/a settles", "cancelled"}, limits::stream_reader_gone_max + 5s));
  EXPECT_TRUE(provider_->calls().empty()) << "the first still speaks";
  asking.send_signal(SIGINT);
  EXPECT_TRUE(asking.wait(command_deadline));
  ASSERT_TRUE(provider_->wait_for_outcome("cancelled", 10s));
  EXPECT_EQ(provider_->calls().size(), 1u);
}

} // namespace

} // namespace troupe::tests
