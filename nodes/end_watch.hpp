#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace troupe {

/// Ends the process if something does not end by itself in time. A step that hangs (because a disk
/// does not answer) cannot be removed from its thread. A node that waited for it would neither end
/// nor be restarted. Everything acknowledged is on disk by then, so an abrupt end loses no more
/// than a crash would.
class end_watch {
public:
  /// Calls `too_late` from a thread of its own, unless this object is destroyed before.
  end_watch(std::chrono::nanoseconds at_most, std::function<void()> too_late);
  ~end_watch();

private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool over_ = false;
  std::thread thread_;
};

} // namespace troupe
