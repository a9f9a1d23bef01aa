#include "nodes/http/server_loop.hpp"

#include "nodes/http/http_connection.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace troupe {

namespace {

/// The loop whose connections this thread may touch.
thread_local const server_loop* loop_here = nullptr;

} // namespace

bool server_loop::is_here() const noexcept { return loop_here == this; }

bool http_service::enter(const std::string& peer) {
  std::lock_guard lock{mutex_};
  if (options.connections_per_address_max > 0) {
    auto& count = by_address_[peer];
    if (count >= options.connections_per_address_max)
      return false;
    ++count;
  }
  ++open_;
  return true;
}

void http_service::leave(const std::string& peer) {
  std::lock_guard lock{mutex_};
  if (auto found = by_address_.find(peer); found != by_address_.end() && --found->second == 0)
    by_address_.erase(found);
  if (--open_ == 0)
    left_.notify_all();
}

std::size_t http_service::wait_for_none(std::chrono::milliseconds at_most) {
  std::unique_lock lock{mutex_};
  left_.wait_for(lock, at_most, [&] { return open_ == 0; });
  return open_;
}

void server_loop::start() {
  thread_ = std::thread{[this] { run(); }};
}

void server_loop::run() {
  loop_here = this;
  auto guard = boost::asio::make_work_guard(io);
  for (;;) {
    try {
      io.run();
      return;
    } catch (const std::exception& error) { // a callback ran out of memory: go on with the others
      service.log.write({log_level::error, "http", error.what(), {}});
    }
  }
}

void server_loop::stop() {
  io.stop();
  if (thread_.joinable())
    thread_.join();
  {
    std::lock_guard lock{mutex_};
    stopped_ = true;
  }
  loop_here = this;
  io.restart();
  io.poll(); // what was posted before
  for (auto* connections : {&busy, &waiting})
    while (!connections->empty())
      connections->front()->shared_from_this()->peer_gone();
  timer_.cancel();
  io.restart();
  io.poll(); // what is cancelled lets go of its connections
  loop_here = nullptr;
}

void server_loop::post(std::function<void()> work) {
  std::lock_guard lock{mutex_};
  if (!stopped_)
    boost::asio::post(io, std::move(work));
}

void server_loop::adopt(boost::asio::ip::tcp::socket socket, std::string peer) {
  auto made =
      std::make_shared<http_connection>(shared_from_this(), std::move(socket), std::move(peer));
  made->start();
  if (waiting.size() + busy.size() > connections_max)
    make_room();
}

void server_loop::make_room() {
  // If none waits, one that is being answered.
  auto& first = waiting.empty() ? *busy.front() : *waiting.front();
  first.shared_from_this()->peer_gone();
}

void server_loop::close_idle() {
  std::vector<std::shared_ptr<http_connection>> idle;
  for (auto* one : waiting)
    if (one->is_idle())
      idle.push_back(one->shared_from_this());
  for (const auto& one : idle)
    one->peer_gone();
}

void server_loop::look_at(clock::time_point when) {
  if (when >= next_look_)
    return;
  next_look_ = when;
  timer_.expires_at(when);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled)
      look();
  });
}

void server_loop::look() {
  next_look_ = clock::time_point::max();
  auto now = clock::now();
  auto earliest = clock::time_point::max();
  std::vector<std::shared_ptr<http_connection>> late; // closing one changes the lists
  for (const auto* connections : {&waiting, &busy})
    for (auto* one : *connections) {
      auto due = one->due(now);
      if (due <= now)
        late.push_back(one->shared_from_this());
      else
        earliest = std::min(earliest, due);
    }
  for (const auto& one : late)
    one->expire();
  if (earliest != clock::time_point::max())
    look_at(earliest);
}

} // namespace troupe
