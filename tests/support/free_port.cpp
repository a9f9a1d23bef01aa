#include "tests/support/process.hpp"

#include <stdexcept>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::tests {

int free_port() {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0
               && ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0;
  ::close(fd);
  if (!bound)
    throw std::runtime_error("no port is free");
  return ntohs(at.sin_port);
}

} // namespace troupe::tests
