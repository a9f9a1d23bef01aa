#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace troupe {

/// Runs functions later, on a thread of its own that begins with the first of them. They must not
/// block. When it is destroyed, what is not due is forgotten. Thread-safe.
class timed_work {
public:
  ~timed_work();

  void after(std::chrono::nanoseconds time, std::function<void()> todo);

private:
  using clock = std::chrono::steady_clock;
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<clock::time_point, std::function<void()>> due_; ///< as many as there are calls
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace troupe
