#pragma once

#include "nodes/http/incoming_request.hpp"

#include <string_view>
#include <variant>

namespace troupe {

/// Why a request is not served: the status of the answer and one line for its sender. The
/// connection is then closed, because it is unknown where the next request would begin.
struct http_refusal {
  unsigned status = 400;
  std::string_view why;
};

/// Reads the bytes from the request line to the empty line, both included. It is stricter than
/// Boost.Beast, which accepts what RFC 9112 forbids, or what lets two servers see different
/// requests: folded lines, any `Transfer-Encoding` but exactly `chunked`, one on HTTP/1.0, two
/// lengths, no `Host` or two of them.
std::variant<http_request_head, http_refusal> parse_request_head(std::string_view head);

} // namespace troupe
