#include "telemetry/http_target.hpp"

#include "config/base/host_port.hpp"
#include "telemetry/curl_handles.hpp"

#include <arpa/inet.h>

#include <cstdlib>

namespace troupe {

namespace {

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK)
    return {};
  std::string found{text};
  curl_free(text);
  return found;
}

bool is_address(const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1
         || ::inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), bytes) == 1;
}

} // namespace

std::string http_target::shown() const {
  auto is_v6 = host.find(':') != host.npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

result<http_target> parse_http_target(const std::string& url) {
  url_handle parsed{curl_url()};
  auto code =
      parsed ? curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) : CURLUE_OUT_OF_MEMORY;
  if (code != CURLUE_OK || url.find('\0') != url.npos)
    return fail(ec::invalid_argument,
                std::string{"the address is no URL: "} + curl_url_strerror(code));
  http_target made;
  auto scheme = part(parsed.get(), CURLUPART_SCHEME);
  made.tls = scheme == "https";
  if (!made.tls && scheme != "http")
    return fail(ec::invalid_argument, "the address is no http:// or https:// URL");
  made.host = part(parsed.get(), CURLUPART_HOST);
  if (made.host.starts_with('[') && made.host.ends_with(']'))
    made.host = made.host.substr(1, made.host.size() - 2);
  if (made.host.empty())
    return fail(ec::invalid_argument, "the URL names no host");
  auto port = part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  made.port = static_cast<std::uint16_t>(std::strtoul(port.c_str(), nullptr, 10));
  made.needs_look_up = !is_address(made.host) && !is_loopback(made.host);
  return made;
}

} // namespace troupe
