#include "tests/support/proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>

namespace troupe::tests {

namespace {

sockaddr_in place_of(const std::string& where) {
  auto colon = where.rfind(':');
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(std::stoul(where.substr(colon + 1))));
  ::inet_pton(AF_INET, where.substr(0, colon).c_str(), &at.sin_addr);
  return at;
}

bool write_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

} // namespace

proxy::proxy(const std::string& target, rule judge)
    : target_(target), judge_(std::move(judge)),
      listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      ended_(::eventfd(0, EFD_CLOEXEC)) {
  auto at = place_of("127.0.0.1:0");
  socklen_t size = sizeof at;
  if (::bind(listening_, reinterpret_cast<sockaddr*>(&at), size) != 0
      || ::listen(listening_, 16) != 0
      || ::getsockname(listening_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error("the proxy cannot listen");
  address_ = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  thread_ = std::thread([this] { serve(); });
}

proxy::~proxy() {
  ::eventfd_write(ended_, 1);
  thread_.join();
  ::close(listening_);
  ::close(ended_);
}

/// Serves one connection after the other: the tested client has one at a time.
void proxy::serve() {
  for (;;) {
    pollfd waits[] = {{listening_, POLLIN, 0}, {ended_, POLLIN, 0}};
    ::poll(waits, 2, -1);
    if (waits[1].revents != 0)
      return;
    int client = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0)
      continue;
    ++accepted_;
    carry(client);
    ::close(client);
  }
}

void proxy::carry(int client) {
  int node = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto at = place_of(target_);
  bool open = ::connect(node, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  std::string bytes(64 * 1024, '\0');
  while (open) {
    pollfd waits[] = {{client, POLLIN, 0}, {node, POLLIN, 0}, {ended_, POLLIN, 0}};
    ::poll(waits, 3, -1);
    open = waits[2].revents == 0;
    for (bool from_client : {true, false}) {
      if (!open || waits[from_client ? 0 : 1].revents == 0)
        continue;
      auto got = ::recv(from_client ? client : node, bytes.data(), bytes.size(), 0);
      open = got > 0;
      if (!open)
        break;
      std::string_view said{bytes.data(), static_cast<std::size_t>(got)};
      auto what = judge_(from_client, said);
      if (what == fate::pass || what == fate::cut_behind)
        open = write_all(from_client ? node : client, said);
      if (what == fate::cut || what == fate::cut_behind)
        open = false;
    }
  }
  ::close(node);
}

} // namespace troupe::tests
