#include "config/base/host_port.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace troupe {

namespace {

constexpr std::size_t host_bytes_max = 253; // of a DNS name

bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= host_bytes_max
         && std::all_of(text.begin(), text.end(), [](char c) {
              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                     || c == '-' || c == '.' || c == '_';
            });
}

bool is_ipv6(const std::string& text) {
  in6_addr ignored;
  return inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

unexpected<std::string> refused(std::string_view text, std::string_view why) {
  std::string found(text.substr(0, host_bytes_max));
  return {"expected HOST:PORT such as 127.0.0.1:4700" + std::string(why) + ", found \"" + found
          + "\""};
}

} // namespace

outcome<host_port, std::string> parse_host_port(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return refused(text, "");
  auto host = text.substr(0, colon);
  auto digits = text.substr(colon + 1);
  host_port made;
  auto end = digits.data() + digits.size();
  auto [stopped, error] = std::from_chars(digits.data(), end, made.port);
  if (error != std::errc{} || stopped != end)
    return refused(text, " with a port from 0 to 65535");
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    made.host = host.substr(1, host.size() - 2);
    if (!is_ipv6(made.host))
      return refused(text, " or [::1]:4700");
    return made;
  }
  made.host = host;
  if (!is_host_name(host))
    return refused(text, " or [::1]:4700");
  return made;
}

bool is_loopback(std::string_view host) {
  in_addr four;
  in6_addr six;
  std::string text(host);
  if (text == "localhost")
    return true;
  if (inet_pton(AF_INET, text.c_str(), &four) == 1)
    return (ntohl(four.s_addr) >> 24) == 127;
  return inet_pton(AF_INET6, text.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

outcome<host_port, std::string> parse_listen(std::string_view text) {
  auto parsed = parse_host_port(text);
  if (parsed && !is_loopback(parsed->host))
    return unexpected<std::string>{
        "expected a loopback address (127.0.0.1, localhost or [::1]), found \"" + std::string(text)
        + "\": connections have no TLS yet, so nodes are reached from this machine only"};
  return parsed;
}

} // namespace troupe
