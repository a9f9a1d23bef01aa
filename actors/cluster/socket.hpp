#pragma once

#include "messages/errors.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// A file descriptor that is closed with its owner.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd();

  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }
  explicit operator bool() const noexcept { return fd_ >= 0; }

private:
  int fd_ = -1;
};

struct host_port {
  std::string host;
  std::uint16_t port = 0;
};

/// "127.0.0.1:4711" or "[::1]:4711". Host names are refused but for `localhost`: nothing here waits
/// for DNS.
result<host_port> parse_host_port(std::string_view text);

/// A listening TCP socket, non-blocking. `unavailable` says who may be there already.
result<unique_fd> listen_on(const host_port& place);

/// "127.0.0.1:4711" of a bound socket.
std::string local_address(int socket);

/// Starts to connect without waiting: writable once it is decided.
result<unique_fd> start_connecting(const host_port& place);

/// What became of it: `unavailable` with the reason, or nothing.
result<void> connected(int socket);

/// What every connection of ours has: no delay, not inherited.
void prepare_connection(int socket);

} // namespace troupe
