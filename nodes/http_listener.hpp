#pragma once

#include "config/limits/http.hpp"
#include "messages/errors.hpp"
#include "telemetry/log.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

struct http_answer {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

/// A small HTTP/1.1 server for what operators and their tools read: GET and HEAD only, no bodies,
/// no TLS. One thread of its own does everything, the handler included, so a handler must not wait.
/// Every time and size is bounded (config/limits/http.hpp); a request that is not well-formed by
/// RFC 9112 is answered with 400 and its connection closed. When no file descriptor is free it
/// waits and goes on.
///
/// Anybody may connect and say nothing, so a bound alone would lock others out: when all
/// connections are taken, the one that has been waited for longest is closed for the new one. When
/// most are taken, connections are not kept open after an answer.
class http_listener {
public:
  /// `path` is what stands before `?`; `accept` is that header or empty. Nothing: there is no such
  /// page, and the 404 names /metrics and /health. Called by the listener's thread. What it throws
  /// becomes a 500.
  using handler =
      std::function<std::optional<http_answer>(std::string_view path, std::string_view accept)>;

  /// How long a connection is waited for, then it is closed.
  struct patience {
    std::chrono::milliseconds header = limits::http_header_timeout; ///< for a whole request
    std::chrono::milliseconds idle = limits::http_keep_alive;       ///< for the next request
    std::chrono::milliseconds write =
        limits::http_write_timeout;                         ///< for the peer to take an answer
    std::chrono::milliseconds linger = limits::http_linger; ///< for it to close after the last one
  };

  /// `host_port` is ADDRESS:PORT, [ADDRESS]:PORT or localhost:PORT; port 0 takes a free one. `log`
  /// must live longer. `invalid_argument`: no such address; `unavailable`: it cannot be listened
  /// on.
  static result<std::unique_ptr<http_listener>>
  open(std::string_view host_port, handler h, log_sink& log, patience waits,
       std::size_t connections_max = limits::http_connections_max);
  static result<std::unique_ptr<http_listener>> open(std::string_view host_port, handler h,
                                                     log_sink& log);

  /// Closes all connections, whatever they are doing, and ends the thread.
  ~http_listener();

  /// Where it listens, such as "127.0.0.1:41234".
  std::string address() const;

private:
  struct server;
  explicit http_listener(std::unique_ptr<server> body);
  std::unique_ptr<server> server_;
};

} // namespace troupe
