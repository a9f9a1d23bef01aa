#pragma once

#include "actors/cluster/socket.hpp"
#include "config/base/file_handle.hpp"

#include <initializer_list>

namespace troupe::cli {

/// Signals as a file descriptor. From its making to the end of the process these signals do not end
/// it: whoever waits must watch `fd()`.
class signal_descriptor {
public:
  explicit signal_descriptor(std::initializer_list<int> signals);

  int fd() const noexcept { return fd_.get(); }
  /// Takes note of one signal, so that `fd` is no longer readable by it; 0 if none came.
  int take();

private:
  file_handle fd_;
};

/// SIGINT, SIGTERM and SIGHUP, but those that the process was told to ignore by who started it:
/// `nohup` (SIGHUP) and a shell's `&` (SIGINT) mean it. A blocked signal would be queued, and read
/// here, even though it is ignored. With `more`, these too, in any case.
///
/// At its end it forgets those of the three that came and were not taken, and from then on they end
/// the process again: what follows may wait at a pipe or a terminal. There is one at a time.
class interrupts : public signal_descriptor {
public:
  explicit interrupts(int more = 0);
  ~interrupts();
  interrupts(const interrupts&) = delete;
  interrupts& operator=(const interrupts&) = delete;
};

/// The descriptor of the `interrupts` that there are; -1 if there are none. Who waits for something
/// else, such as room in a pipe, watches it too.
int interrupts_fd();

/// True if the process ignores the signal, as it was when it was started.
bool is_ignored(int signal);

} // namespace troupe::cli
