#pragma once

#include "messages/errors.hpp"

#include <cstdint>
#include <string>

namespace troupe {

/// Where a URL leads.
struct http_target {
  bool tls = false;
  std::string host; ///< without brackets
  std::uint16_t port = 0;
  bool needs_look_up = false; ///< it is a name, and not one of this machine

  /// For messages: "api.openai.com:443".
  std::string shown() const;
};

/// http or https with a host. The error repeats nothing of the URL: it may hold a password.
result<http_target> parse_http_target(const std::string& url);

} // namespace troupe
