#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace troupe {

/// The threads of a node's services that are running now. A thread whose step hangs (a disk that
/// does not answer) can be left behind, but not ended: everything it uses must stay until it has
/// returned. The code that takes the node apart waits here, with a bound. After that, only ending
/// the process is left.
class running_threads {
public:
  void begun() {
    std::lock_guard guard{mutex_};
    ++count_;
  }
  void ended() {
    std::lock_guard guard{mutex_};
    if (--count_ == 0)
      none_.notify_all();
  }
  /// False: some are still running.
  bool wait_for_none(std::chrono::nanoseconds at_most) {
    std::unique_lock guard{mutex_};
    return none_.wait_for(guard, at_most, [this] { return count_ == 0; });
  }

private:
  std::mutex mutex_;
  std::condition_variable none_;
  std::size_t count_ = 0;
};

} // namespace troupe
