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

/// A small HTTP/1.1 server for operators and their tools: GET and HEAD only, no bodies, no TLS. It
/// has one thread, which also runs the handler, so a handler must not wait. Every time and size is
/// bounded (config/limits/http.hpp). A request that is not well-formed by RFC 9112 gets the answer
/// 400, and its connection is closed. When no file descriptor is free, the server waits until one
/// is.
///
/// Anybody may connect and send nothing, so a limit on connections alone would lock others out.
/// When all connections are in use, a new one replaces the one whose peer has been silent longest.
/// When most are in use, connections are not kept open after an answer.
class http_listener {
public:
  /// `path` is the part before `?`; `accept` is the value of that header, or empty. A handler that
  /// returns nothing has no such page: the answer is a 404 that names /metrics and /health. The
  /// listener's thread calls it. If it throws, the answer is a 500.
  using handler =
      std::function<std::optional<http_answer>(std::string_view path, std::string_view accept)>;

  /// How long the server waits for a connection before it closes it.
  struct patience {
    std::chrono::milliseconds header = limits::http_header_timeout; ///< for a whole request
    std::chrono::milliseconds idle = limits::http_keep_alive;       ///< for the next request
    std::chrono::milliseconds write =
        limits::http_write_timeout; ///< for the peer to take an answer
    std::chrono::milliseconds linger =
        limits::http_linger; ///< for the peer to close after the last answer
  };

  /// `host_port` is ADDRESS:PORT, [ADDRESS]:PORT or localhost:PORT; port 0 takes a free one. `log`
  /// must outlive the listener. `invalid_argument`: there is no such address. `unavailable`: it
  /// cannot listen there.
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
