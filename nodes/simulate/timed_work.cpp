#include "nodes/simulate/timed_work.hpp"

#include <utility>

namespace troupe {

timed_work::~timed_work() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable())
    thread_.join();
}

void timed_work::after(std::chrono::nanoseconds time, std::function<void()> todo) {
  std::lock_guard guard{mutex_};
  auto added = due_.emplace(clock::now() + time, std::move(todo));
  if (!thread_.joinable())
    thread_ = std::thread{[this] { run(); }};
  else if (added == due_.begin())
    changed_.notify_one();
}

void timed_work::run() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    if (due_.empty()) {
      changed_.wait(lock);
      continue;
    }
    if (auto next = due_.begin()->first; next > clock::now()) {
      changed_.wait_until(lock, next);
      continue;
    }
    auto todo = std::move(due_.extract(due_.begin()).mapped());
    lock.unlock();
    todo();
    lock.lock();
  }
}

} // namespace troupe
