#include "actors/cluster/dialler.hpp"

#include "config/base/file_handle.hpp"

#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

namespace troupe::tests {

namespace {

using namespace std::chrono_literals;

constexpr node_id peer{0, 2};

/// Records what a dialler reports.
class listener {
public:
  dialler::options options() {
    return {[this](int socket, node_id) {
              ::close(socket);
              note(adopted_);
            },
            [this](node_id, const std::string&) { note(refused_); }, 1};
  }

  bool wait_for_adopted(int count) { return wait(adopted_, count); }
  bool wait_for_refused(int count) { return wait(refused_, count); }
  int refused() {
    std::lock_guard guard{mutex_};
    return refused_;
  }

private:
  void note(int& count) {
    std::lock_guard guard{mutex_};
    ++count;
    changed_.notify_all();
  }
  bool wait(int& count, int wanted) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, 20s, [&] { return count >= wanted; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int adopted_ = 0;
  int refused_ = 0;
};

/// A port on which nobody listens.
host_port free_place() {
  auto socket = listen_on({"127.0.0.1", 0});
  return *parse_address(local_address(socket->get()));
}

/// Waits until a peer connects, and accepts it.
file_handle accepted(int listening) {
  timeval patience{20, 0};
  ::setsockopt(listening, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  int flags = 0;
  ::ioctl(listening, FIONBIO, &flags);
  return file_handle{::accept(listening, nullptr, nullptr)};
}

} // namespace

TEST(dialler, says_that_it_was_refused_and_tries_again) {
  listener heard;
  dialler dials{heard.options()};
  dials.dial(peer, free_place());
  EXPECT_TRUE(heard.wait_for_refused(3));
}

TEST(dialler, who_only_knocks_learns_that_nobody_listens_and_stops) {
  listener heard;
  dialler knocks{heard.options()};
  knocks.dial(peer, free_place(), dialler::purpose::knock);
  ASSERT_TRUE(heard.wait_for_refused(1));
  listener other;
  dialler dials{other.options()};
  dials.dial(peer, free_place()); // this one is refused repeatedly, which takes time
  ASSERT_TRUE(other.wait_for_refused(5));
  EXPECT_EQ(heard.refused(), 1);
  knocks.lost(peer); // it was there for a while and is gone again
  EXPECT_TRUE(heard.wait_for_refused(2));
}

TEST(dialler, who_only_knocks_leaves_the_link_to_the_other) {
  auto listening = listen_on({"127.0.0.1", 0});
  listener heard;
  dialler knocks{heard.options()};
  knocks.dial(peer, *parse_address(local_address(listening->get())), dialler::purpose::knock);
  auto visitor = accepted(listening->get());
  ASSERT_GE(visitor.get(), 0);
  char byte;
  EXPECT_EQ(::recv(visitor.get(), &byte, 1, 0), 0) << "it closes at once";
  EXPECT_EQ(heard.refused(), 0);
}

TEST(dialler, one_that_was_found_is_not_dialled) {
  listener heard;
  dialler dials{heard.options()};
  dials.dial(peer, free_place());
  ASSERT_TRUE(heard.wait_for_refused(1));
  dials.found(peer);
  auto before = heard.refused();
  listener other;
  dialler others{other.options()};
  others.dial(peer, free_place());
  ASSERT_TRUE(other.wait_for_refused(5));
  EXPECT_LE(heard.refused(), before + 1) << "one may have been under way";
}

TEST(dialler, a_lack_of_descriptors_here_says_nothing_of_the_peer) {
  auto listening = listen_on({"127.0.0.1", 0});
  auto place = *parse_address(local_address(listening->get()));
  listener heard;
  dialler dials{heard.options()};
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  auto last = ::dup(0); // roughly the highest one in use
  ::close(last);
  rlimit none{static_cast<rlim_t>(last), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  dials.dial(peer, place);
  std::this_thread::sleep_for(300ms); // time for several attempts: an absence has no event
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(heard.wait_for_adopted(1)) << "it went on trying";
  EXPECT_EQ(heard.refused(), 0);
}

} // namespace troupe::tests
