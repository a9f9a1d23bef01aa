#pragma once

#include <string>
#include <string_view>
#include <variant>

namespace troupe {

/// A request with a valid head and no body.
struct http_request_head {
  bool head_only = false; ///< HEAD
  bool keep_alive = false;
  std::string path; ///< without the query; begins with a slash
  std::string accept;
};

/// Why a request is not served: the status of the answer and one line for its sender. The
/// connection is then closed, because it is unknown where the next request would begin.
struct http_refusal {
  unsigned status = 400;
  std::string_view why;
};

/// Reads the bytes from the request line to the empty line, both included. It is stricter than
/// Boost.Beast, which accepts what RFC 9112 forbids: folded lines, any `Transfer-Encoding`, no
/// `Host` or two of them.
std::variant<http_request_head, http_refusal> parse_http_head(std::string_view head);

} // namespace troupe
