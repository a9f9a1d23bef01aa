#pragma once

#include "actors/cluster/socket.hpp"
#include "telemetry/log.hpp"

#include <functional>
#include <memory>
#include <thread>

namespace troupe {

/// Accepts connections on a thread of its own and hands the sockets on. CAF's own acceptor spins a
/// core when file descriptors run out; this one pauses. While `limits::unproven_connections_max`
/// connections have not shown who they are, further ones wait in the kernel's queue.
class acceptor {
public:
  struct options {
    std::function<void(int socket)> adopt; ///< owns the socket from then on
    std::function<std::size_t()> unproven;
    std::shared_ptr<log_sink> log;
  };

  acceptor(file_handle listening, options given);
  ~acceptor(); ///< stops listening and waits for the thread

private:
  void run();
  bool wait(int milliseconds, bool for_connections);

  file_handle listening_;
  file_handle stop_;
  options given_;
  std::thread thread_;
};

/// As many file descriptors as the system lets this process have.
void raise_descriptor_limit();

} // namespace troupe
