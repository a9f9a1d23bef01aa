#pragma once

#include <functional>
#include <string>
#include <sys/types.h>

namespace troupe::bench {

/// A child process that serves until this object is destroyed. `serve` gets a function that
/// announces where it listens. Create the object before this process has threads.
class other_process {
public:
  using announcer = std::function<void(const std::string& place)>;
  /// `serve(announce, wait)`: `wait()` returns when the parent ends.
  explicit other_process(const std::function<void(const announcer& announce,
                                                  const std::function<void()>& wait)>& serve);
  ~other_process();

  /// The address that the child announced.
  std::string place() const { return place_; }

private:
  pid_t child_ = -1;
  int hold_ = -1;
  std::string place_;
};

} // namespace troupe::bench
