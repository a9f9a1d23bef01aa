#pragma once

#include "actors/cluster/socket.hpp"
#include "config/base/file_handle.hpp"
#include "telemetry/log.hpp"

#include <functional>
#include <memory>
#include <thread>

namespace troupe {

/// Accepts connections on a thread of its own and passes the sockets on. CAF's own acceptor spins a
/// core when file descriptors run out; this one pauses, and asks a stranger to leave. It goes on
/// accepting regardless of the number of strangers (`newcomers` makes room), unless those asked to
/// leave do not go as fast as others come. Then further ones wait in the kernel's queue.
class acceptor {
public:
  struct options {
    std::function<void(int socket)> adopt;  ///< owns the socket from then on
    std::function<bool(int socket)> admits; ///< false: closed at once, with a log line; empty: all
    std::function<bool()> crowded;          ///< true: wait a moment
    std::function<void()> make_room;        ///< file descriptors have run out
    std::shared_ptr<log_sink> log;
  };

  acceptor(file_handle listening, options given);
  ~acceptor(); ///< stops listening and waits for the thread

private:
  void run();
  bool wait(int milliseconds, bool for_connections);
  void take(int socket);

  file_handle listening_;
  file_handle stop_;
  options given_;
  std::uint64_t turned_away_ = 0;
  std::thread thread_;
};

/// As many file descriptors as the system lets this process have. `unavailable` if they are too few
/// for a node: the error says how many it needs and how to provide them.
result<std::size_t> raise_descriptor_limit();

/// How many strangers a door may hold if the process has that many descriptors.
std::size_t strangers_max(std::size_t descriptors, std::size_t wanted);

} // namespace troupe
