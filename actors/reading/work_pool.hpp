#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe {

/// A few threads that do jobs in the order in which they come. The giver of the jobs bounds how
/// many wait. A job must not throw and should check now and then whether it is still wanted: the
/// destructor forgets waiting jobs and waits for running ones.
class work_pool {
public:
  explicit work_pool(std::size_t threads);
  ~work_pool();

  /// From any thread.
  void run(std::function<void()> job);

private:
  void work();

  std::mutex mutex_; ///< of the next two
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::condition_variable wake_;
  std::vector<std::thread> threads_;
};

} // namespace troupe
