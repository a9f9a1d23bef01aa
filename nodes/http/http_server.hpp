#pragma once

#include "config/limits/http.hpp"
#include "messages/errors.hpp"
#include "nodes/http/http_routes.hpp"
#include "telemetry/log.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace troupe {

/// How long a server waits for a connection before it closes it.
struct http_patience {
  std::chrono::milliseconds header = limits::http_header_timeout; ///< for a whole head
  /// For a body, and a second more for each `limits::http_body_bytes_per_second_min` of it.
  std::chrono::milliseconds body = limits::http_body_timeout;
  std::chrono::milliseconds idle = limits::http_keep_alive;       ///< for the next request
  std::chrono::milliseconds answer = limits::http_answer_timeout; ///< for the handler
  /// For the peer to take what waits for it, or `limits::http_write_progress_bytes` of it.
  std::chrono::milliseconds write = limits::http_write_timeout;
  std::chrono::milliseconds linger = limits::http_linger; ///< to close after the last answer
};

struct http_server_options {
  http_patience patience;
  std::size_t connections_max = limits::http_connections_max;
  std::size_t connections_per_address_max = 0; ///< 0: as many as there are in all
  std::size_t threads = 1;
};

/// An HTTP/1.1 server without TLS, for operators, tools and programs.
///
/// It has I/O threads of its own, none a connection: each connection belongs to one of them, which
/// also runs its handlers, so a handler must not wait. Every time and size is bounded
/// (config/limits/http.hpp). A request that is not well-formed by RFC 9112 gets the answer 400, and
/// its connection is closed. When no file descriptor is free, the server waits until one is.
///
/// Anybody may connect and send nothing, so a limit on connections alone would lock others out.
/// When all connections are in use, a new one replaces the one whose peer has been silent longest.
/// When most are in use, connections are not kept open after an answer.
///
/// A peer that closes its sending side while it waits for an answer counts as gone.
class http_server {
public:
  /// `host_port` is ADDRESS:PORT, [ADDRESS]:PORT or localhost:PORT; port 0 takes a free one. `log`
  /// must outlive the server. `invalid_argument`: there is no such address. `unavailable`: it
  /// cannot listen there; the message ends with what `advice` says to do.
  static result<std::unique_ptr<http_server>> open(std::string_view host_port, http_routes routes,
                                                   log_sink& log,
                                                   const http_server_options& options = {},
                                                   std::string_view advice = "choose another port");

  /// Closes all connections, whatever they are doing, and ends the threads. Calls that are open are
  /// told that their peers have gone.
  ~http_server();

  /// Accepts no more connections, closes those that wait for a request, and waits until all others
  /// have got their answers, but at most so long. Returns how many were left.
  std::size_t drain(std::chrono::milliseconds at_most);

  /// Where it listens, such as "127.0.0.1:41234".
  std::string address() const;

private:
  struct body;
  explicit http_server(std::unique_ptr<body> parts);
  std::unique_ptr<body> body_;
};

} // namespace troupe
