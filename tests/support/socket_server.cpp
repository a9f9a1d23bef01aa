#include "tests/support/socket_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

namespace troupe::tests {

namespace {

constexpr std::size_t read_bytes = 64 * 1024;

bool wait_for(int fd, short what, std::chrono::milliseconds at_most) {
  pollfd wanted{fd, what, 0};
  return ::poll(&wanted, 1, static_cast<int>(at_most.count())) == 1;
}

std::size_t length_of_body(std::string_view head) {
  constexpr std::string_view field = "content-length:";
  for (std::size_t at = 0; at < head.size(); ++at)
    if (head.size() - at > field.size()
        && ::strncasecmp(head.data() + at, field.data(), field.size()) == 0)
      return std::strtoul(head.data() + at + field.size(), nullptr, 10);
  return 0;
}

} // namespace

std::string server_end::read_request() {
  std::array<char, read_bytes> bytes;
  for (;;) {
    if (auto end = kept_.find("\r\n\r\n"); end != kept_.npos) {
      auto whole = end + 4 + length_of_body(std::string_view{kept_}.substr(0, end));
      if (kept_.size() >= whole) {
        auto request = kept_.substr(0, whole);
        kept_.erase(0, whole);
        return request;
      }
    }
    if (!wait_for(fd_, POLLIN, patience))
      return {};
    auto count = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (count <= 0)
      return {};
    kept_.append(bytes.data(), static_cast<std::size_t>(count));
  }
}

bool server_end::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!wait_for(fd_, POLLOUT, patience))
      return false;
    auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool server_end::wait_for_close() {
  std::array<char, read_bytes> bytes;
  while (wait_for(fd_, POLLIN, patience))
    if (::recv(fd_, bytes.data(), bytes.size(), 0) <= 0)
      return true;
  return false;
}

void server_end::reset() {
  linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

std::size_t server_end::fill(std::size_t bytes_max, std::chrono::milliseconds silence) {
  const std::string bytes(read_bytes, 'x');
  std::size_t sent = 0;
  while (sent < bytes_max && wait_for(fd_, POLLOUT, silence)) {
    auto count = ::send(fd_, bytes.data(), std::min(bytes.size(), bytes_max - sent),
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count <= 0)
      break;
    sent += static_cast<std::size_t>(count);
  }
  return sent;
}

socket_server::socket_server(std::function<void(server_end&)> serve) : serve_(std::move(serve)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (::bind(listener_, any, size) != 0 || ::listen(listener_, SOMAXCONN) != 0
      || ::getsockname(listener_, any, &size) != 0)
    throw std::runtime_error{"no port to listen on"};
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread{[this] { accept_all(); }};
}

socket_server::~socket_server() {
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  {
    std::lock_guard lock{mutex_};
    for (auto fd : open_)
      ::shutdown(fd, SHUT_RDWR);
  }
  for (auto& thread : threads_)
    thread.join();
  ::close(listener_);
}

void socket_server::accept_all() {
  for (;;) {
    auto fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0)
      return;
    ++connections_;
    std::lock_guard lock{mutex_};
    open_.push_back(fd);
    threads_.emplace_back([this, fd] {
      server_end peer{fd};
      serve_(peer);
      std::lock_guard closing{mutex_};
      open_.erase(std::find(open_.begin(), open_.end(), fd));
      ::close(fd);
    });
  }
}

std::string socket_server::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string{path};
}

std::string http_answer(std::string_view body, std::string_view type, std::string_view status,
                        std::string_view further) {
  return "HTTP/1.1 " + std::string{status} + "\r\nContent-Type: " + std::string{type}
         + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string{further}
         + "\r\n" + std::string{body};
}

} // namespace troupe::tests
