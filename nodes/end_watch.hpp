#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace troupe {

/// Ends the process if something does not end by itself in time. A step that hangs (a disk that
/// does not answer) cannot be taken from its thread, and a node that waits for it would neither end
/// nor be started again. Everything that was acknowledged is on disk by then: an end without
/// ceremony loses nothing that a crash would not lose.
class end_watch {
public:
  /// `too_late` is called from a thread of this object unless it is destroyed before.
  end_watch(std::chrono::nanoseconds at_most, std::function<void()> too_late);
  ~end_watch();

private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool over_ = false;
  std::thread thread_;
};

} // namespace troupe
