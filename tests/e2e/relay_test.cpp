#include "tests/e2e/connection.hpp"
#include "tests/e2e/e2e.hpp"

#include "messages/agents.pb.h"
#include "nodes/client.hpp"

#include <atomic>
#include <csignal>
#include <cstring>
#include <mutex>
#include <thread>

/// A stranger on the port of a member that is down relays everything to another member.
namespace troupe::tests {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Listens at one address and connects each peer to another address. Records what both sides send,
/// and may change it.
class relay {
public:
  relay(const std::string& at, std::string to, std::string from_text = {}, std::string to_text = {})
      : to_(std::move(to)), from_text_(std::move(from_text)), to_text_(std::move(to_text)) {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    ::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    auto place = address_of(at);
    listens_ = ::bind(listening_, reinterpret_cast<sockaddr*>(&place), sizeof place) == 0
               && ::listen(listening_, 64) == 0;
    thread_ = std::thread{[this] { run(); }};
  }
  ~relay() {
    stopping_ = true;
    thread_.join();
    ::close(listening_);
  }

  bool listens() const noexcept { return listens_; }
  int visitors() const noexcept { return visitors_; }
  std::string heard() {
    std::lock_guard guard{mutex_};
    return heard_;
  }

private:
  struct pair {
    int visitor, host;
  };

  static sockaddr_in address_of(const std::string& text) {
    auto colon = text.rfind(':');
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1))));
    ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &at.sin_addr);
    return at;
  }

  void run() {
    std::vector<pair> pairs;
    while (!stopping_) {
      std::vector<pollfd> waits{{listening_, POLLIN, 0}};
      for (auto& p : pairs) {
        waits.push_back({p.visitor, POLLIN, 0});
        waits.push_back({p.host, POLLIN, 0});
      }
      ::poll(waits.data(), waits.size(), 20);
      std::vector<pair> still;
      for (std::size_t i = 0; i < pairs.size(); ++i)
        if (pump(pairs[i], waits[1 + 2 * i], waits[2 + 2 * i]))
          still.push_back(pairs[i]);
      pairs = std::move(still);
      if (waits[0].revents & POLLIN)
        accept(pairs);
    }
    for (auto& p : pairs)
      close(p);
  }

  void accept(std::vector<pair>& pairs) {
    pair next{::accept(listening_, nullptr, nullptr), ::socket(AF_INET, SOCK_STREAM, 0)};
    ++visitors_;
    auto place = address_of(to_);
    if (::connect(next.host, reinterpret_cast<sockaddr*>(&place), sizeof place) == 0)
      pairs.push_back(next);
    else
      close(next);
  }

  bool pump(pair& p, const pollfd& visitor, const pollfd& host) {
    if ((visitor.revents == 0 || pass(p.visitor, p.host))
        && (host.revents == 0 || pass(p.host, p.visitor)))
      return true;
    close(p);
    return false;
  }

  bool pass(int from, int to) {
    char buffer[65536];
    auto got = ::recv(from, buffer, sizeof buffer, 0);
    if (got <= 0)
      return false;
    std::string bytes{buffer, static_cast<std::size_t>(got)};
    {
      std::lock_guard guard{mutex_};
      heard_ += bytes;
    }
    if (auto at = bytes.find(from_text_); !from_text_.empty() && at != std::string::npos) {
      bytes.replace(at, from_text_.size(), to_text_);
    }
    return ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL)
           == static_cast<ssize_t>(bytes.size());
  }

  static void close(pair& p) {
    ::close(p.visitor);
    ::close(p.host);
  }

  std::string to_, from_text_, to_text_;
  int listening_ = -1;
  bool listens_ = false;
  std::atomic<bool> stopping_{false};
  std::atomic<int> visitors_{0};
  std::mutex mutex_;
  std::string heard_;
  std::thread thread_;
};

class relayed : public e2e_test {
protected:
  void SetUp() override {
    three = std::make_unique<cluster>(user, cluster_options{.arguments = {"--no-restart"}});
    secret = read_file(user.data() / "secret").substr(0, 64);
    // The lower id dials: the lowest dials the dead node and would reach the highest.
    std::map<std::string, running_node> by_id;
    for (const auto& node : three->nodes())
      by_id[node.id] = node;
    low = by_id.begin()->second;
    dead = std::next(by_id.begin())->second;
    high = by_id.rbegin()->second;
    ::kill(dead.pid, SIGKILL);
    await_status(user, [&](const json& status) {
      return nodes_in(status).at(dead.name).at("state") == "down";
    });
  }
  void TearDown() override {
    three.reset();
    e2e_test::TearDown();
  }

  std::unique_ptr<cluster> three;
  std::string secret;
  running_node low, dead, high;
};

} // namespace

TEST_F(relayed, a_client_that_knows_whom_it_wants_tells_nobody_else_anything) {
  relay stranger{dead.address, high.address, "room 42", "room 66"};
  ASSERT_TRUE(stranger.listens());
  auto asked = user.troupe(
      {"send", "librarian/r", "Remember: the safe is in room 42.", "--peer", dead.address});
  EXPECT_EQ(asked.ended.code, 69) << asked.shown();
  EXPECT_THAT(asked.err, HasSubstr(high.name)) << "it says who answers there";
  EXPECT_GT(stranger.visitors(), 0);
  EXPECT_THAT(stranger.heard(), Not(HasSubstr("room 42")));
  for (int i = 0; i < 12; ++i) { // the first node to try is random
    auto sent = user.troupe({"send", "echo/" + std::to_string(i), "the vault is in room 42"});
    EXPECT_THAT(stranger.heard(), Not(HasSubstr("room 42"))) << sent.shown();
  }
}

TEST_F(relayed, what_is_changed_on_the_way_is_never_done) {
  // This stranger really relays to the node that the client wants, as with a remote --peer.
  relay stranger{dead.address, high.address, "room 42", "room 66"};
  ASSERT_TRUE(stranger.listens());
  auto attached = client::connect({.peer = dead.address, .secret = secret});
  ASSERT_TRUE(attached.has_value()) << attached.error().message;
  AgentMessage message;
  message.set_text("Remember: the safe is in room 42.");
  std::string agent;
  for (int i = 0; agent.empty() || home_name(*three, agent) == dead.name; ++i)
    agent = "librarian/changed-" + std::to_string(i);
  auto reply = (*attached)->request(
      make_envelope(message_kind::request, address::of_agent(name{agent}), message), 5s);
  EXPECT_FALSE(reply.has_value()) << "an answer to a message that was changed";
  auto asked = user.troupe({"send", agent, "Where is the safe?", "--peer", high.address});
  EXPECT_THAT(asked.out, Not(HasSubstr("room 66")));
  EXPECT_THAT(asked.out, Not(HasSubstr("room 42")));
}

TEST_F(relayed, two_nodes_that_are_well_keep_their_link) {
  auto log = user.data() / high.name / "log.jsonl";
  auto log_before = read_file(log).size();
  relay stranger{dead.address, high.address};
  ASSERT_TRUE(stranger.listens());
  for (auto until = clock::now() + 20s; stranger.visitors() < 8 && clock::now() < until;) {
    for (const auto& [asked, other] : {std::pair{low, high}, std::pair{high, low}}) {
      auto status = user.troupe({"status", "--json", "--peer", asked.address});
      ASSERT_TRUE(status.ok()) << status.shown();
      EXPECT_EQ(nodes_in(json::parse(status.out)).at(other.name).at("state"), "up");
    }
  }
  EXPECT_GE(stranger.visitors(), 8) << "the lowest node dials the dead one's port";
  auto said = read_file(log).substr(log_before);
  EXPECT_THAT(said, Not(HasSubstr(low.name + " (" + low.address + ") is suspect")));
  EXPECT_THAT(said, HasSubstr("not the node")) << "it told the dialler who it is";
}

} // namespace troupe::tests
