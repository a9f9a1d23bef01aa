#include "actors/cluster/socket.hpp"
#include "actors/host/logic_shell.hpp"
#include "config/limits/links.hpp"
#include "messages/agents.pb.h"
#include "tests/support/node/whole_node.hpp"

#include <caf/send.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <list>
#include <mutex>
#include <new>
#include <random>
#include <thread>

/// Links between two whole nodes of this process: what their brokers do if memory is short, if they
/// fail, and if both nodes send more than the other takes.
namespace troupe::test {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

bool wait_until(const std::function<bool()>& there, std::chrono::seconds at_most = 20s) {
  for (auto deadline = steady::now() + at_most; steady::now() < deadline;) {
    if (there())
      return true;
    std::this_thread::yield();
  }
  return there();
}

/// Reads until the other side has closed.
bool closed_by_peer(int socket) {
  timeval patience{10, 0};
  ::fcntl(socket, F_SETFL, 0);
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char bytes[4096];
  for (;;) {
    auto got = ::recv(socket, bytes, sizeof bytes, 0);
    if (got <= 0)
      return got == 0 || errno == ECONNRESET;
  }
}

/// Keeps `window` requests to an agent open until it has sent `count` and the test has seen enough.
/// Promises the number of answers that were not right.
class flooding : public logic {
public:
  flooding(address target, std::size_t count, std::size_t window, std::string payload,
           const std::atomic<bool>& enough, std::promise<std::size_t>* done)
      : target_(std::move(target)), count_(count), window_(window), payload_(std::move(payload)),
        enough_(enough), done_(done) {}

  void start(step_context& context, const address& self) override {
    self_ = self;
    session_ = {context.random.next() | 1};
    while (sent_ < std::min(count_, window_))
      fire(context);
  }

  void step(step_context& context, event input) override {
    auto message = std::get_if<envelope>(&input);
    if (!message || message->kind != message_kind::reply)
      return;
    auto echo = message->body.as<Echo>();
    wrong_ += !echo || echo->bytes() != payload_;
    ++answered_;
    if (sent_ < count_ || !enough_)
      fire(context);
    else if (answered_ == sent_)
      done_->set_value(wrong_);
  }

private:
  void fire(step_context& context) {
    Echo echo;
    echo.set_bytes(payload_);
    auto message = make_envelope(message_kind::request, target_, std::move(echo));
    message.id = {session_, ++sent_};
    message.sender = self_;
    context.out.send(std::move(message));
  }

  address target_, self_;
  session_id session_;
  std::size_t count_, window_;
  std::string payload_;
  const std::atomic<bool>& enough_;
  std::promise<std::size_t>* done_;
  std::size_t sent_ = 0, answered_ = 0, wrong_ = 0;
};

/// Reports a node as full when a test wants it, and calls back when it is no longer full.
class gauge {
public:
  void watch(whole_node& node) {
    node.links().is_full = [this] { return full_.load(); };
    node.links().when_room = [this](std::function<void()> resume) {
      std::unique_lock guard{mutex_};
      ++halts_;
      if (full_)
        waiting_.push_back(std::move(resume));
      else {
        guard.unlock();
        resume();
      }
    };
  }

  void set(bool full) {
    std::vector<std::function<void()>> ready;
    {
      std::lock_guard guard{mutex_};
      full_ = full;
      if (!full)
        ready.swap(waiting_);
    }
    for (auto& resume : ready)
      resume();
  }
  int halts() {
    std::lock_guard guard{mutex_};
    return halts_;
  }

private:
  std::atomic<bool> full_{false};
  std::mutex mutex_;
  std::vector<std::function<void()>> waiting_;
  int halts_ = 0;
};

class two_linked_nodes : public testing::Test {
protected:
  void link() {
    first.dial(2, second.listen());
    ASSERT_TRUE(first.wait_for_members());
    ASSERT_TRUE(second.wait_for_members());
  }

  /// Starts sending from that node: at least `count` requests, and more until `enough` is set. The
  /// future gets the number of answers that were not right when all have arrived.
  std::future<std::size_t> flood(whole_node& from, std::uint64_t to, std::size_t count,
                                 std::size_t window, std::size_t bytes) {
    auto& done = promises.emplace_back();
    name agent{"flooding/" + std::to_string(promises.size())};
    auto place = address::of_agent(agent, from.mail().self());
    auto target = from.echo_on(to);
    auto shell = from.system().spawn<logic_shell, caf::lazy_init>(
        from.host(), place,
        std::make_unique<flooding>(target, count, window, std::string(bytes, 'x'), enough, &done));
    from.mail().place(agent, shell);
    caf::anon_send(shell, atom::begin_v);
    shells.push_back(shell);
    return done.get_future();
  }

  void TearDown() override {
    for (auto& shell : shells)
      caf::anon_send(shell, atom::stop_v);
    shells.clear();
  }

  // The nodes call these until they are destroyed, so these must outlive them.
  gauge at_first, at_second;
  std::atomic<bool> enough{true}, fails{false};
  std::atomic<int> lost{0};
  std::list<std::promise<std::size_t>> promises;
  std::vector<logic_actor> shells;
  whole_node second{2, {info_of(1)}};
  whole_node first{1, {info_of(2)}};
};

} // namespace

TEST_F(two_linked_nodes, that_halt_each_other_at_random_lose_nothing_and_stay_up) {
  at_first.watch(first);
  at_second.watch(second);
  link();
  auto epoch = first.mail().view()->epoch;
  enough = false; // how often a node halts while 4,000 messages pass depends on the machine
  auto there = flood(first, 2, 4'000, 512, 1'000);
  auto back = flood(second, 1, 4'000, 512, 1'000);
  auto large = flood(first, 2, 10, 4, 300'000);
  std::mt19937 random{11};
  auto unfinished = [](auto& f) { return f.wait_for(0s) != std::future_status::ready; };
  for (auto until = steady::now() + 60s;
       (unfinished(there) || unfinished(back) || unfinished(large)) && steady::now() < until;) {
    at_first.set(random() % 2 == 0);
    at_second.set(random() % 2 == 0);
    std::this_thread::sleep_for(1ms); // the time that a node is full, not a wait for an event
    enough = at_first.halts() > 5 && at_second.halts() > 5;
  }
  EXPECT_TRUE(enough) << at_first.halts() << " and " << at_second.halts() << " halts";
  enough = true;
  at_first.set(false);
  at_second.set(false);
  ASSERT_EQ(there.wait_for(20s), std::future_status::ready);
  ASSERT_EQ(back.wait_for(20s), std::future_status::ready);
  ASSERT_EQ(large.wait_for(20s), std::future_status::ready);
  EXPECT_EQ(there.get(), 0u);
  EXPECT_EQ(back.get(), 0u);
  EXPECT_EQ(large.get(), 0u);
  EXPECT_EQ(first.mail().view()->epoch, epoch) << "a link was lost";
}

TEST_F(two_linked_nodes, that_have_both_halted_for_long_do_not_take_each_other_for_silent) {
  at_first.watch(first);
  at_second.watch(second);
  link();
  auto epoch = first.mail().view()->epoch;
  auto other_epoch = second.mail().view()->epoch;
  at_first.set(true);
  at_second.set(true);
  // A link checks whether its node is full after a read or at its next tick. What it has already
  // read is handled.
  ASSERT_TRUE(wait_until([&] { return at_first.halts() > 0 && at_second.halts() > 0; }));
  auto there = flood(first, 2, 10, 10, 100);
  auto back = flood(second, 1, 10, 10, 100);
  std::this_thread::sleep_for(limits::suspect_after_silence + 1s); // the test is about this time
  EXPECT_EQ(first.mail().view()->epoch, epoch);
  EXPECT_EQ(second.mail().view()->epoch, other_epoch);
  EXPECT_NE(there.wait_for(0s), std::future_status::ready) << "nothing was halted";
  EXPECT_NE(back.wait_for(0s), std::future_status::ready) << "nothing was halted";
  at_first.set(false);
  at_second.set(false);
  ASSERT_EQ(there.wait_for(20s), std::future_status::ready);
  ASSERT_EQ(back.wait_for(20s), std::future_status::ready);
  EXPECT_EQ(there.get(), 0u);
  EXPECT_EQ(back.get(), 0u);
}

TEST_F(two_linked_nodes, a_broker_that_fails_before_it_speaks_leaves_nothing_behind) {
  fails = true;
  auto nonce = second.links().nonce;
  second.links().nonce = [this, nonce] {
    if (fails)
      throw std::bad_alloc{};
    return nonce();
  };
  auto place = second.listen();
  for (int i = 0; i < 3; ++i) {
    auto socket = start_connecting(*parse_address(place));
    ASSERT_TRUE(socket);
    EXPECT_TRUE(closed_by_peer(socket->get()));
  }
  EXPECT_TRUE(wait_until([&] { return second.links().strangers.size() == 0; }));
  {
    std::lock_guard guard{second.links().mutex};
    EXPECT_TRUE(second.links().open.empty());
  }
  fails = false;
  first.dial(2, place);
  EXPECT_TRUE(first.wait_for_members());
}

TEST_F(two_linked_nodes, a_broker_that_fails_later_is_missed_and_dialled_again) {
  first.links().is_full = [this] {
    if (fails.exchange(false))
      throw std::bad_alloc{};
    return false;
  };
  first.links().lost = [this](node_id peer) {
    ++lost;
    first.dialling().lost(peer);
  };
  first.dial(2, second.listen());
  ASSERT_TRUE(first.wait_for_members());
  auto epoch = first.mail().view()->epoch;
  fails = true; // at its next tick or earlier
  ASSERT_TRUE(first.wait_for_view([&](const member_view& view) {
    return view.epoch > epoch && view.find(whole_node::id_of(2))->state == MEMBER_UP;
  })) << "it was never up again";
  EXPECT_GE(first.mail().view()->epoch, epoch + 2) << "suspect, then up";
  EXPECT_EQ(lost, 1);
  EXPECT_TRUE(wait_until([&] { return first.links().strangers.size() == 0; }));
  std::lock_guard guard{first.links().mutex};
  EXPECT_EQ(first.links().open.size(), 1u);
}

} // namespace troupe::test
