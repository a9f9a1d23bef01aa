#include "telemetry/proxies.hpp"

#include "config/base/host_port.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <optional>

namespace troupe {

namespace {

std::string first_set(std::initializer_list<const char*> variables) {
  for (auto variable : variables)
    if (auto value = std::getenv(variable); value && *value != '\0')
      return value;
  return {};
}

struct address_bytes {
  std::array<unsigned char, 16> bytes{};
  int family = 0;
  unsigned bits = 0;
};

std::optional<address_bytes> parse_address(std::string_view text) {
  std::string copy{text};
  address_bytes made;
  for (auto [family, bits] : {std::pair{AF_INET, 32U}, std::pair{AF_INET6, 128U}})
    if (::inet_pton(family, copy.c_str(), made.bytes.data()) == 1) {
      made.family = family;
      made.bits = bits;
      return made;
    }
  return std::nullopt;
}

/// Whether an address is `network`, or in it where it is written ADDRESS/BITS.
bool is_in(const address_bytes& host, std::string_view network) {
  auto slash = network.find('/');
  auto base = parse_address(network.substr(0, slash));
  if (!base || base->family != host.family)
    return false;
  auto bits = base->bits;
  if (slash != network.npos) {
    auto digits = network.substr(slash + 1);
    auto end = digits.data() + digits.size();
    auto read = std::from_chars(digits.data(), end, bits);
    if (read.ec != std::errc{} || read.ptr != end || bits > base->bits)
      return false;
  }
  for (unsigned bit = 0; bit < bits; ++bit) {
    auto mask = 0x80U >> bit % 8;
    if ((host.bytes[bit / 8] & mask) != (base->bytes[bit / 8] & mask))
      return false;
  }
  return true;
}

bool equals(std::string_view a, std::string_view b) {
  auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return small(x) == small(y); });
}

/// `domain` stands for itself and for all names below it.
bool is_below(std::string_view host, std::string_view domain) {
  if (domain.starts_with('.'))
    domain.remove_prefix(1);
  if (domain.empty() || host.size() < domain.size())
    return false;
  auto above = host.size() - domain.size();
  return equals(host.substr(above), domain) && (above == 0 || host[above - 1] == '.');
}

bool is_listed(std::string_view host, std::string_view list) {
  auto address = parse_address(host);
  while (!list.empty()) {
    auto end = list.find_first_of(", \t");
    auto entry = list.substr(0, end);
    list.remove_prefix(end == list.npos ? list.size() : end + 1);
    if (entry == "*" || (address ? is_in(*address, entry) : is_below(host, entry)))
      return true;
  }
  return false;
}

/// SOCKS proxies look names up themselves: here, only the pool of `name_resolver` may.
std::string that_resolves(std::string_view proxy) {
  for (auto [scheme, resolving] :
       {std::pair{"socks4://", "socks4a://"}, std::pair{"socks5://", "socks5h://"}})
    if (proxy.starts_with(scheme))
      return resolving + std::string{proxy.substr(std::string_view{scheme}.size())};
  return std::string{proxy};
}

} // namespace

proxies proxies::of_environment() {
  return {.http = first_set({"http_proxy", "all_proxy", "ALL_PROXY"}),
          .https = first_set({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}),
          .none_for = first_set({"no_proxy", "NO_PROXY"})};
}

std::string proxies::choose(bool tls, std::string_view host) const {
  const auto& proxy = tls ? https : http;
  if (proxy.empty() || is_loopback(host) || is_listed(host, none_for))
    return {};
  return that_resolves(proxy);
}

} // namespace troupe
