#include "nodes/end_watch.hpp"

namespace troupe {

end_watch::end_watch(std::chrono::nanoseconds at_most, std::function<void()> too_late)
    : thread_{[this, at_most, too_late = std::move(too_late)] {
        std::unique_lock guard{mutex_};
        if (wake_.wait_for(guard, at_most, [this] { return over_; }))
          return;
        guard.unlock();
        too_late();
      }} {}

end_watch::~end_watch() {
  {
    std::lock_guard guard{mutex_};
    over_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

} // namespace troupe
