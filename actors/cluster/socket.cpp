#include "actors/cluster/socket.hpp"

#include "config/base/host_port.hpp"
#include "config/limits/links.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace troupe {

namespace {

struct place_on_wire {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

result<place_on_wire> resolve(const host_port& place) {
  place_on_wire out;
  const auto host = place.host == "localhost" ? std::string{"127.0.0.1"} : place.host;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(place.port);
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.size = sizeof v4;
  } else if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(place.port);
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.size = sizeof v6;
  } else {
    return fail(ec::invalid_argument, "'" + place.host + "' is not an IP address");
  }
  return out;
}

result<file_handle> make_socket(const place_on_wire& where) {
  file_handle made{
      ::socket(where.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!made)
    return fail(ec::unavailable, std::string{"no socket to be had: "} + std::strerror(errno));
  return made;
}

} // namespace

result<host_port> parse_address(std::string_view text) {
  auto parsed = parse_host_port(text);
  if (!parsed)
    return fail(ec::invalid_argument, parsed.error());
  if (auto known = resolve(*parsed); !known)
    return unexpected{known.error()};
  return std::move(*parsed);
}

result<file_handle> listen_on(const host_port& place) {
  auto where = resolve(place);
  if (!where)
    return unexpected{where.error()};
  auto made = make_socket(*where);
  if (!made)
    return made;
  int on = 1;
  ::setsockopt(made->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(made->get(), where->get(), where->size) != 0
      || ::listen(made->get(), limits::listen_backlog) != 0) {
    auto text = place.host + ":" + std::to_string(place.port);
    return fail(ec::unavailable, "cannot listen on " + text + ": " + std::strerror(errno)
                                     + "; choose another port, or 0 for a free one");
  }
  return made;
}

std::string local_address(int socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0)
    return {};
  char text[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string{text} + ":" + std::to_string(ntohs(v4.sin_port));
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, &storage, sizeof v6);
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return "[" + std::string{text} + "]:" + std::to_string(ntohs(v6.sin6_port));
}

namespace {

unexpected<failure> not_connected(int error) {
  return fail(error == ECONNREFUSED ? ec::refused : ec::unavailable, std::strerror(error));
}

} // namespace

result<file_handle> start_connecting(const host_port& place) {
  auto where = resolve(place);
  if (!where)
    return unexpected{where.error()};
  auto made = make_socket(*where);
  if (!made)
    return made;
  prepare_connection(made->get());
  if (::connect(made->get(), where->get(), where->size) != 0 && errno != EINPROGRESS)
    return not_connected(errno);
  return made;
}

result<void> connected(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
    error = errno;
  // A connection to a free port in our own range can connect to itself: then nobody is there.
  if (error == 0) {
    sockaddr_storage own{};
    sockaddr_storage other{};
    socklen_t own_size = sizeof own;
    socklen_t other_size = sizeof other;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &own_size);
    ::getpeername(socket, reinterpret_cast<sockaddr*>(&other), &other_size);
    if (own_size == other_size && std::memcmp(&own, &other, own_size) == 0)
      error = ECONNREFUSED;
  }
  if (error != 0)
    return not_connected(error);
  return {};
}

void prepare_connection(int socket) {
  int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

} // namespace troupe
