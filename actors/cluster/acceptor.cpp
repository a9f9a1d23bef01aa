#include "actors/cluster/acceptor.hpp"

#include "config/limits/links.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

namespace troupe {

namespace {

constexpr int pause_ms = 50;  ///< between checks while there are no file descriptors
constexpr int crowded_ms = 1; ///< between checks while those that must leave have not gone

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
    if (given_.crowded()) {
      if (!wait(crowded_ms, false))
        return;
      continue;
    }
    if (!wait(-1, true))
      return;
    int socket = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket >= 0) {
      exhausted = false;
      take(socket);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      if (!std::exchange(exhausted, true))
        given_.log->write({log_level::error,
                           "link",
                           std::string{"no connection can be accepted: "} + std::strerror(errno)
                               + "; raise the limit of open files (ulimit -n)",
                           {}});
      given_.make_room();
      if (!wait(pause_ms, false))
        return;
    }
  }
}

void acceptor::take(int socket) {
  if (given_.admits && !given_.admits(socket)) {
    ::close(socket);
    if (std::has_single_bit(++turned_away_)) // the first, the second, the fourth, ...
      given_.log->write({log_level::warning,
                         "link",
                         "closing a connection of another user to the local socket ("
                             + std::to_string(turned_away_) + " so far)",
                         {}});
    return;
  }
  prepare_connection(socket);
  given_.adopt(socket);
}

result<std::size_t> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  auto have = static_cast<std::size_t>(limit.rlim_cur);
  if (have < limits::descriptors_min)
    return fail(ec::unavailable,
                "this process may have " + std::to_string(have)
                    + " open files, a node needs at least "
                    + std::to_string(limits::descriptors_min)
                    + ": raise the limit (ulimit -n 1024, or LimitNOFILE= of its service)");
  return have;
}

std::size_t strangers_max(std::size_t descriptors, std::size_t wanted) {
  constexpr std::size_t at_least = 4;
  auto free = descriptors - std::min(descriptors, limits::descriptors_reserved);
  return std::clamp(free / limits::door_descriptors_part, at_least, wanted);
}

} // namespace troupe
