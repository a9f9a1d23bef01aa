#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace troupe {

/// The threads of a node's services that run now. A thread whose step hangs (a disk that does not
/// answer) can be left behind, but not ended: whatever it uses must stay until it has returned. Who
/// takes the node apart waits here, with a bound; beyond it only the end of the process is left.
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
  /// False: some still run.
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
