#include "telemetry/host_addresses.hpp"

#include "config/limits/telemetry.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <cstring>
#include <memory>

namespace troupe {

namespace {

/// Empty if it is not an address of IP.
std::string text_of(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (address.sa_family == AF_INET) {
    std::memcpy(&v4, &address, sizeof v4);
    bytes = &v4.sin_addr;
  } else if (address.sa_family == AF_INET6) {
    std::memcpy(&v6, &address, sizeof v6);
    bytes = &v6.sin6_addr;
  }
  if (!bytes || !::inet_ntop(address.sa_family, bytes, text.data(), text.size()))
    return {};
  return text.data();
}

} // namespace

std::vector<std::string> host_addresses() {
  std::vector<std::string> found;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) == 0) {
    std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{first, &::freeifaddrs};
    for (auto* each = first; each && found.size() < limits::host_addresses_max;
         each = each->ifa_next) {
      if (!each->ifa_addr || (each->ifa_flags & IFF_LOOPBACK) != 0)
        continue;
      if (auto text = text_of(*each->ifa_addr); !text.empty())
        found.push_back(std::move(text));
    }
  }
  if (found.empty())
    found.emplace_back("127.0.0.1");
  return found;
}

} // namespace troupe
