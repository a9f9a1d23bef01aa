#pragma once

#include "config/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// A host and a port, written `HOST:PORT`, or `[HOST]:PORT` for IPv6.
struct host_port {
  std::string host; ///< a name or an address, IPv6 without its brackets
  std::uint16_t port = 0;
};

/// The error says what was expected. Port 0 ("any free one") is allowed.
outcome<host_port, std::string> parse_host_port(std::string_view text);

/// Whether only this machine can reach `host`: 127.0.0.0/8, localhost, ::1. Looks up no names.
bool is_loopback(std::string_view host);

/// An address to listen on: `HOST:PORT` with a loopback host, because links and pages are not
/// encrypted yet. Anything else is refused with that reason.
outcome<host_port, std::string> parse_listen(std::string_view text);

} // namespace troupe
