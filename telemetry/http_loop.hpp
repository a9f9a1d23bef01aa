#pragma once

#include "messages/errors.hpp"
#include "telemetry/http_call.hpp"
#include "telemetry/name_resolver.hpp"
#include "telemetry/proxies.hpp"

#include <cstddef>
#include <functional>
#include <memory>

namespace troupe {

/// The one HTTP client of a process: calls to models' providers, and whatever else asks servers of
/// others. One thread drives all calls by epoll and libcurl's multi interface.
///
/// Why not simply libcurl: one handle of thousands of connections costs several times as much as
/// several of few hundred; its resolver's threads are joined when a transfer is removed, so that
/// one silent name server would stop all calls; and its time-outs do not say what was waited for.
///
/// - Any thread may call the functions. They never wait for the network.
/// - Every call that was started ends with exactly one `ended`. After `cancel` that comes at once,
///   and the connection is closed.
/// - Connections are kept and used again. A request that finds a kept connection closed by the
///   server, before a byte of an answer, is sent once more over another.
/// - No redirect is followed. No cookie is kept. No header of the caller goes to a proxy that only
///   carries TLS.
/// - Bounded: calls, the bytes of an answer, the threads that look names up.
class http_loop {
public:
  struct options {
    std::size_t calls_max = limits::http_client_calls_max;
    proxies by_proxy = proxies::of_environment();
    name_lookup look_up = &look_up_name;
  };

  static result<std::unique_ptr<http_loop>> make(options how);
  /// Ends what runs as cancelled, and waits for the thread.
  ~http_loop();

  http_loop(const http_loop&) = delete;
  http_loop& operator=(const http_loop&) = delete;

  /// `overloaded` beyond `calls_max`; `invalid_argument` for a URL or header that is none. Then no
  /// callback is called.
  result<http_call_id> start(http_call what, http_callbacks callbacks);
  /// Nothing happens if it has ended. Chunks that are being given may still come before `ended`.
  void cancel(http_call_id call);
  /// The call takes no more from its connection, so that its server has to wait; the deadline
  /// between chunks waits too. What is on its way to the caller still comes: at most
  /// `http_client_chunk_bytes` when asked from within `chunk`. Only for calls that `may_pause`.
  void pause(http_call_id call);
  void resume(http_call_id call);

  std::size_t running() const noexcept;

private:
  struct impl;
  explicit http_loop(std::unique_ptr<impl> body);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
