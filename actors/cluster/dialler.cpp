#include "actors/cluster/dialler.hpp"

#include "config/limits/links.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>

namespace troupe {

dialler::dialler(options given)
    : given_(std::move(given)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      random_(given_.seed | 1), thread_([this] { run(); }) {}

void dialler::stop() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  wake();
  if (thread_.joinable())
    thread_.join();
}

void dialler::wake() { ::eventfd_write(wake_.get(), 1); }

void dialler::dial(node_id peer, host_port place, purpose what) {
  {
    std::lock_guard guard{mutex_};
    targets_.push_back(
        {peer, std::move(place), what, {limits::dial_backoff_min, limits::dial_backoff_max}});
  }
  wake();
}

void dialler::lost(node_id peer) {
  {
    std::lock_guard guard{mutex_};
    for (auto& t : targets_)
      if (t.peer == peer && t.now == dial_state::settled) {
        // A peer that closes at once counts as one that does not answer.
        if (steady::now() - t.settled_since > limits::dial_backoff_max)
          t.pauses.reset();
        pause(t);
      }
  }
  wake();
}

void dialler::found(node_id peer) {
  std::lock_guard guard{mutex_};
  for (auto& t : targets_)
    if (t.peer == peer && t.now != dial_state::settled) {
      t.socket = {};
      t.now = dial_state::settled;
      t.settled_since = steady::now();
    }
}

void dialler::run() {
  for (;;) {
    std::vector<pollfd> waits{{wake_.get(), POLLIN, 0}};
    int timeout = 0;
    {
      std::lock_guard guard{mutex_};
      if (stopping_)
        return;
      for (auto& t : targets_)
        if (t.now == dial_state::connecting)
          waits.push_back({t.socket.get(), POLLOUT, 0});
      timeout = milliseconds_to_next();
    }
    ::poll(waits.data(), waits.size(), timeout);
    eventfd_t ignored;
    ::eventfd_read(wake_.get(), &ignored);
    std::vector<happened> news;
    {
      std::lock_guard guard{mutex_};
      if (stopping_)
        return;
      advance(news);
    }
    for (auto& n : news) {
      if (n.socket >= 0)
        given_.adopt(n.socket, n.peer);
      else
        given_.refused(n.peer, n.why);
    }
  }
}

void dialler::advance(std::vector<happened>& news) {
  auto now = steady::now();
  for (auto& t : targets_) {
    if (t.now == dial_state::waiting && t.next <= now) {
      attempt(t, news);
    } else if (t.now == dial_state::connecting) {
      pollfd ready{t.socket.get(), POLLOUT, 0};
      ::poll(&ready, 1, 0);
      if (ready.revents != 0) {
        if (auto done = connected(t.socket.get()); !done)
          failed(t, done.error(), news);
        else
          made(t, now, news);
      } else if (t.next <= now) {
        failed(t, {ec::timed_out, "no answer in time"}, news);
      }
    }
  }
}

void dialler::attempt(target& t, std::vector<happened>& news) {
  auto started = start_connecting(t.place);
  if (!started)
    return failed(t, started.error(), news);
  t.socket = std::move(*started);
  t.now = dial_state::connecting;
  t.next = steady::now() + limits::dial_timeout;
}

void dialler::made(target& t, steady::time_point now, std::vector<happened>& news) {
  t.now = dial_state::settled;
  t.settled_since = now;
  if (t.what == purpose::link)
    news.push_back({t.peer, t.socket.release()});
  t.socket = {};
}

void dialler::failed(target& t, const failure& why, std::vector<happened>& news) {
  t.socket = {};
  pause(t);
  if (why.code != ec::refused)
    return;
  if (t.what == purpose::knock)
    t.now = dial_state::settled; // it dials when it is back
  news.push_back({t.peer, -1, why.message});
}

void dialler::pause(target& t) {
  t.now = dial_state::waiting;
  random_ = random_ * 6364136223846793005ULL + 1442695040888963407ULL;
  t.next = steady::now() + t.pauses.next(random_ >> 33);
}

int dialler::milliseconds_to_next() const {
  auto next = steady::time_point::max();
  for (auto& t : targets_)
    if (t.now != dial_state::settled)
      next = std::min(next, t.next);
  if (next == steady::time_point::max())
    return -1;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(next - steady::now());
  return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, 60'000));
}

} // namespace troupe
