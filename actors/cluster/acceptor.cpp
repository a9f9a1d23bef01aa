#include "actors/cluster/acceptor.hpp"

#include "config/limits/links.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace troupe {

namespace {

constexpr int pause_ms = 50; ///< between looks while no more connections can be taken

} // namespace

acceptor::acceptor(file_handle listening, options given)
    : listening_(std::move(listening)), stop_(::eventfd(0, EFD_CLOEXEC)), given_(std::move(given)),
      thread_([this] { run(); }) {}

acceptor::~acceptor() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

/// False when it is time to stop.
bool acceptor::wait(int milliseconds, bool for_connections) {
  pollfd waits[] = {{stop_.get(), POLLIN, 0}, {listening_.get(), POLLIN, 0}};
  ::poll(waits, for_connections ? 2 : 1, milliseconds);
  return waits[0].revents == 0;
}

void acceptor::run() {
  bool exhausted = false;
  for (;;) {
    if (given_.unproven() >= limits::unproven_connections_max) {
      if (!wait(pause_ms, false))
        return;
      continue;
    }
    if (!wait(-1, true))
      return;
    int socket = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket >= 0) {
      exhausted = false;
      prepare_connection(socket);
      given_.adopt(socket);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      if (!std::exchange(exhausted, true))
        given_.log->write({log_level::error,
                           "link",
                           std::string{"no connection can be accepted: "} + std::strerror(errno)
                               + "; raise the limit of open files (ulimit -n)",
                           {}});
      if (!wait(pause_ms, false))
        return;
    }
  }
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

} // namespace troupe
