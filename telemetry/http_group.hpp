#pragma once

#include "telemetry/curl_handles.hpp"
#include "telemetry/http_transfer.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

namespace troupe {

/// A few hundred calls, the connections they use, and those that are kept: one multi handle of
/// libcurl, joined to the loop's epoll. Lives on the loop's thread.
class http_group {
public:
  using clock = std::chrono::steady_clock;

  /// `number`: what epoll's events for its sockets carry, above the socket.
  http_group(int epoll, std::uint32_t number, std::size_t calls_max);
  ~http_group();
  http_group(const http_group&) = delete;
  http_group& operator=(const http_group&) = delete;

  bool has_room() const noexcept { return running_ < calls_max_; }
  std::size_t running() const noexcept { return running_; }

  /// False without memory.
  bool add(http_transfer& what);
  /// If the call is not done, its connection is closed.
  void remove(http_transfer& what);

  /// Something happened to a socket.
  void ready(int socket, std::uint32_t events);
  /// When `expire` wants to be called.
  std::optional<clock::time_point> wake_at() const;
  void expire(clock::time_point now);

  /// The calls that have ended since, with libcurl's word for how.
  struct done {
    http_transfer* which;
    CURLcode code;
  };
  std::optional<done> next_done();

private:
  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void* known);
  static int on_timer(CURLM*, long delay_ms, void* self);
  bool open();

  int epoll_;
  std::uint32_t number_;
  std::size_t calls_max_;
  multi_handle multi_;
  std::size_t running_ = 0;
  std::optional<clock::time_point> timer_;      ///< libcurl's
  std::optional<clock::time_point> idle_until_; ///< then the kept connections are closed
};

} // namespace troupe
