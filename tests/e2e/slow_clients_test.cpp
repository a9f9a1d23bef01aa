#include "tests/e2e/simulator.hpp"

/// Clients that are slow on purpose, at a node's HTTP port and at `troupe simulate`: Debian's
/// slowhttptest in its four modes at once. Whoever asks meanwhile is answered.
namespace troupe::tests {

namespace {

class slow_clients : public e2e_test {
protected:
  void SetUp() override {
    if (std::filesystem::exists("/usr/bin/slowhttptest"))
      return;
    if (is_required("slowhttptest"))
      FAIL() << "TROUPE_REQUIRE=slowhttptest, but there is none";
    GTEST_SKIP() << "slowhttptest is needed: `scripts/setup --tests` installs it (with "
                    "TROUPE_REQUIRE=slowhttptest this fails)";
  }

  /// 200 connections for five seconds each that send their head (-H) or their body (-B) in small
  /// parts, ask for thousands of ranges (-R), or read their answer slowly (-X).
  std::vector<process> attack(const std::string& url, const std::string& posts_to) const {
    std::vector<process> all;
    for (std::string mode : {"-H", "-B", "-R", "-X"})
      all.push_back(user.start_shell("exec slowhttptest -c 200 -r 200 -l 5 -i 1 -p 3 " + mode
                                     + " -u " + url + (mode == "-B" ? posts_to : "/health")));
    return all;
  }

  /// Asks as long as any of them runs.
  static void expect_answers(const std::string& url, std::vector<process> attackers) {
    std::size_t answered = 0;
    for (auto& one : attackers)
      while (!one.wait(20ms)) {
        ASSERT_EQ(http_get(url + "/health").status, 200) << "after " << answered << " answers";
        ++answered;
      }
    EXPECT_GT(answered, 20u) << "they ended too soon";
    for (auto& one : attackers)
      EXPECT_EQ(one.wait(1s).value_or(exit_state{}).code, 0) << one.output() << one.errors();
  }
};

TEST_F(slow_clients, of_troupe_simulate_hold_up_nobody) {
  simulator one{user, {}};
  auto before = resident_bytes(one.running().pid());
  expect_answers(one.url(), attack(one.url(), "/v1/chat/completions"));
  EXPECT_LT(peak_resident_bytes(one.running().pid()) - before, 64u << 20);
}

TEST_F(slow_clients, of_a_node_hold_up_nobody) {
  cluster one{user, {.nodes = 1}};
  auto url = "http://" + one.nodes()[0].http_address;
  expect_answers(url, attack(url, "/metrics"));
}

} // namespace

} // namespace troupe::tests
