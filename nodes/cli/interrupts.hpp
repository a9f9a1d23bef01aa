#pragma once

#include "actors/cluster/socket.hpp"

namespace troupe::cli {

/// SIGINT, SIGTERM and SIGHUP as a file descriptor. From its making to the end of the process these
/// signals do not end it: whoever waits must watch `fd()`.
class interrupts {
public:
  interrupts();

  int fd() const noexcept { return fd_.get(); }
  /// Takes note of one signal, so that `fd` is no longer readable by it; 0 if none came.
  int take();

private:
  unique_fd fd_;
};

} // namespace troupe::cli
