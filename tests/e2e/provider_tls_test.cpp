#include "telemetry/http_loop.hpp"
#include "tests/e2e/simulator.hpp"
#include "tests/support/tls_front.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

/// Providers behind TLS: Debian's nginx before `troupe simulate`, with an authority of its own.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class providers_behind_tls : public simulated_models {
protected:
  void SetUp() override {
    simulate("  - reply: \"You said {question}\"\n", {"--latency", "20ms"});
    front_.emplace(provider_->url());
    role("asks", "safe/any");
  }

  void TearDown() override {
    front_.reset();
    simulated_models::TearDown();
  }

  void configure(const std::string& more) {
    write_file(user.path() / "key", "sk-behind-tls\n");
    write_file(config(), "providers:\n  safe:\n    kind: openai\n    base_url: " + front_->url()
                             + "/v1\n    api_key_file: key\n" + more
                             + "node:\n  roles: " + roles().string() + "\n");
    user.set("TROUPE_CONFIG", config().string());
  }

  std::vector<std::string> accesses() const { return front_->accesses(); }
  std::set<std::string> connections() const {
    std::set<std::string> found;
    for (const auto& line : accesses())
      found.insert(
          line.substr(line.find("connection="), line.rfind(" 200") - line.find("connection=")));
    return found;
  }

  std::optional<tls_front> front_;
};

TEST_F(providers_behind_tls, are_known_by_an_authority_of_ones_own) {
  configure("    ca_file: " + front_->ca_file().string() + "\n");
  cluster one{user, {.nodes = 1}};
  auto sent = send("asks", "hello");
  ASSERT_TRUE(sent.ok()) << sent.shown();
  EXPECT_EQ(sent.out, "You said hello\n");
  auto checked = user.troupe({"models", "check", "safe/any"});
  EXPECT_TRUE(checked.ok()) << checked.shown();
  auto lines = accesses();
  ASSERT_FALSE(lines.empty());
  for (const auto& line : lines)
    EXPECT_THAT(line, AllOf(HasSubstr("TLSv1."), HasSubstr(" 200 Bearer sk-behind-tls")));
}

TEST_F(providers_behind_tls, are_not_spoken_to_if_nobody_vouches_for_them) {
  configure("");
  cluster one{user, {.nodes = 1}};
  auto sent = send("asks", "hello");
  EXPECT_EQ(sent.ended.code, 1) << sent.shown();
  EXPECT_THAT(sent.err, AllOf(HasSubstr("provider safe"), HasSubstr("certificate")));
  auto checked = user.troupe({"models", "check", "safe/any"});
  EXPECT_EQ(checked.ended.code, 1) << checked.shown();
  EXPECT_THAT(checked.out, HasSubstr("certificate"));
  for (const auto& line : accesses())
    EXPECT_EQ(line.find("sk-behind-tls"), std::string::npos) << "no key for strangers";
}

TEST_F(providers_behind_tls, share_a_connection_for_answers_that_come_whole) {
  configure("    ca_file: " + front_->ca_file().string() + "\n");
  cluster one{user, {.nodes = 1}};
  write_file(user.path() / "own.yaml", "graph: own\ninputs:\n  words: {type: list}\ntasks:\n"
                                       "  - id: each\n    role: asks\n    for_each: $inputs.words\n"
                                       "    input: {text: $item}\nresult: $tasks.each\n");
  auto ran = user.troupe({"run", "./own.yaml", "--input", "words=a,b,c,d,e,f,g,h"});
  ASSERT_TRUE(ran.ok()) << ran.shown();
  auto lines = accesses();
  ASSERT_EQ(lines.size(), 8u);
  for (const auto& line : lines)
    EXPECT_THAT(line, HasSubstr("HTTP/2.0"));
  EXPECT_LT(connections().size(), 3u);
  ASSERT_TRUE(send("asks", "hello").ok());
  EXPECT_THAT(accesses().back(), HasSubstr("HTTP/1.1")) << "a stream has its own: it may pause";
}

/// The node's HTTP client alone: all begin before the first connection is there.
TEST_F(providers_behind_tls, take_hundreds_of_calls_at_once_over_a_connection_a_hundred) {
  constexpr std::size_t calls = 300;
  http_loop::options alone;
  alone.by_proxy = {};
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::size_t> ends; // by http_end and its words
  std::size_t ended = 0;
  auto client = http_loop::make(std::move(alone));
  ASSERT_TRUE(client);
  for (std::size_t i = 0; i < calls; ++i) {
    http_call what;
    what.method = "POST";
    what.url = front_->url() + "/v1/chat/completions";
    what.headers = {"X-Simulate-Latency: 2s"};
    what.body = R"({"model": "m", "messages": [{"role": "user", "content": "?"}]})";
    what.connect_within = 20s; // a busy machine
    what.ca_file = front_->ca_file();
    http_callbacks heard;
    heard.ended = [&](const http_ending& how) {
      std::lock_guard guard{mutex};
      ++ends[std::string{to_string(how.why)} + how.words];
      ++ended;
      changed.notify_one();
    };
    ASSERT_TRUE((*client)->start(std::move(what), std::move(heard)));
  }
  {
    std::unique_lock lock{mutex};
    ASSERT_TRUE(changed.wait_for(lock, 60s, [&] { return ended == calls; }));
    EXPECT_EQ(ends["done"], calls) << ends.rbegin()->first;
  }
  client->reset();
  front_->stop();
  EXPECT_EQ(accesses().size(), calls);
  EXPECT_EQ(connections().size(), calls / limits::http_client_streams_max);
}

} // namespace

} // namespace troupe::tests
