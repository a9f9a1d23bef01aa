#pragma once

#include "tests/support/process.hpp"

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/// A TCP connection from a peer that does not speak our protocol.
namespace troupe::tests {

class connection {
public:
  /// Connects to HOST:PORT. Loopback connections succeed or fail at once.
  explicit connection(const std::string& where)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    auto colon = where.rfind(':');
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(std::stoul(where.substr(colon + 1))));
    ::inet_pton(AF_INET, where.substr(0, colon).c_str(), &at.sin_addr);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  }
  connection(connection&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  connection& operator=(connection&&) = delete;
  ~connection() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  bool connected() const noexcept { return connected_; }

  /// Writes until all is sent, the other side closes, or it has not read for two seconds.
  std::size_t send(std::string_view bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      pollfd waiting{fd_, POLLOUT, 0};
      if (::poll(&waiting, 1, 2'000) <= 0)
        break;
      auto count =
          ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0 && errno != EAGAIN)
        break;
      sent += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    return sent;
  }

  /// Waits until the other side closes; false if it does not in that time.
  bool wait_for_close(clock::duration at_most) {
    auto deadline = clock::now() + at_most;
    while (true) {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
      pollfd waiting{fd_, POLLIN, 0};
      if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left)) <= 0)
        return false;
      char bytes[4096];
      if (::recv(fd_, bytes, sizeof bytes, 0) <= 0)
        return true;
    }
  }

private:
  int fd_;
  bool connected_ = false;
};

} // namespace troupe::tests
