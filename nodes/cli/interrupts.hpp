#pragma once

#include "actors/cluster/socket.hpp"
#include "config/base/file_handle.hpp"

#include <initializer_list>

namespace troupe::cli {

/// Signals as a file descriptor. From its construction to the end of the process, these signals do
/// not end the process, so every wait must watch `fd()`.
class signal_descriptor {
public:
  explicit signal_descriptor(std::initializer_list<int> signals);

  int fd() const noexcept { return fd_.get(); }
  /// Reads one signal from `fd` and returns it; 0 if there is none.
  int take();

private:
  file_handle fd_;
};

/// SIGINT, SIGTERM and SIGHUP, except those that the process was started to ignore: `nohup`
/// (SIGHUP) and a shell's `&` (SIGINT) mean it. A blocked signal would be queued and read here even
/// though it is ignored. The signal `more` is always added.
///
/// The destructor drops those of the three signals that were not taken. From then on they end the
/// process again, because what follows may wait for a pipe or a terminal. Only one object may exist
/// at a time.
class interrupts : public signal_descriptor {
public:
  explicit interrupts(int more = 0);
  ~interrupts();
  interrupts(const interrupts&) = delete;
  interrupts& operator=(const interrupts&) = delete;
};

/// The descriptor of the present `interrupts`; -1 if there are none. Code that waits for something
/// else, such as room in a pipe, also watches it.
int interrupts_fd();

/// Whether the process ignores the signal, which it inherits from its parent.
bool is_ignored(int signal);

} // namespace troupe::cli
