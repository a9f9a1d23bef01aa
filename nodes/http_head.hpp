#pragma once

#include <string>
#include <string_view>
#include <variant>

namespace troupe {

/// A request whose head is in order and that has no body.
struct http_request_head {
  bool head_only = false; ///< HEAD
  bool keep_alive = false;
  std::string path; ///< without query; begins with a slash
  std::string accept;
};

/// Why a request is not served: the answer's status and one line for who sent it. The connection is
/// closed after it, as nobody knows where the next request would begin.
struct http_refusal {
  unsigned status = 400;
  std::string_view why;
};

/// Reads the bytes from the request line to the empty line, both included. Stricter than
/// Boost.Beast, which lets through what RFC 9112 forbids: folded lines, any `Transfer-Encoding`, no
/// or two `Host`.
std::variant<http_request_head, http_refusal> parse_http_head(std::string_view head);

} // namespace troupe
