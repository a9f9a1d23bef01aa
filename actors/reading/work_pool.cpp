#include "actors/reading/work_pool.hpp"

#include <pthread.h>

#include <utility>

namespace troupe {

work_pool::work_pool(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { work(); });
    ::pthread_setname_np(threads_.back().native_handle(), "reading");
  }
}

work_pool::~work_pool() {
  std::deque<std::function<void()>> forgotten;
  {
    std::lock_guard guard{mutex_};
    ending_ = true;
    forgotten.swap(jobs_);
  }
  wake_.notify_all();
  forgotten.clear();
  for (auto& thread : threads_)
    thread.join();
}

void work_pool::run(std::function<void()> job) {
  {
    std::lock_guard guard{mutex_};
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void work_pool::work() {
  std::unique_lock guard{mutex_};
  while (true) {
    wake_.wait(guard, [this] { return ending_ || !jobs_.empty(); });
    if (ending_)
      return;
    auto job = std::exchange(jobs_.front(), {});
    jobs_.pop_front();
    guard.unlock();
    job();
    job = {}; // what it holds is freed before waiting for the next job
    guard.lock();
  }
}

} // namespace troupe
