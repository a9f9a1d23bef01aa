#include "nodes/port_picker.hpp"

#include "config/base/file_handle.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>

namespace troupe {

bool port_picker::claim(std::uint16_t port) {
  if (given_.contains(port))
    return false;
  file_handle fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  int yes = 1; // like the nodes: a port in TIME_WAIT counts as free
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
    return false;
  given_.insert(port);
  return true;
}

result<std::uint16_t> port_picker::next() {
  constexpr std::uint16_t first = 10'240,
                          last = 32'767; // Linux uses ports from 32768 up for outgoing connections
  constexpr int tries_max = 1'000;
  for (int i = 0; i < tries_max; ++i) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL; // Knuth's MMIX generator
    auto port = static_cast<std::uint16_t>(first + (state_ >> 33) % (last - first + 1));
    if (claim(port))
      return port;
  }
  return fail(ec::overloaded, "no free port on 127.0.0.1 between 10240 and 32767");
}

std::optional<std::uint16_t> port_of(std::string_view address) {
  constexpr std::string_view host = "127.0.0.1:";
  if (!address.starts_with(host))
    return std::nullopt;
  address.remove_prefix(host.size());
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(address.data(), address.data() + address.size(), port);
  if (error != std::errc{} || end != address.data() + address.size() || port == 0)
    return std::nullopt;
  return port;
}

} // namespace troupe
