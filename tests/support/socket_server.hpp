#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace troupe::tests {

/// The server's end of one connection. It blocks, at most for the time of `patience`.
class server_end {
public:
  static constexpr std::chrono::seconds patience{20};

  explicit server_end(int fd) : fd_(fd) {}

  /// A request with its body (by Content-Length); empty: the peer closed.
  std::string read_request();
  /// False: the peer does not take it.
  bool send(std::string_view bytes);
  /// True when the peer has closed the connection.
  bool wait_for_close();
  /// Closes it so that the peer gets an error instead of an end.
  void reset();
  /// How many bytes can be sent before the peer's window and the buffers are full: sends them.
  std::size_t fill(std::size_t bytes_max, std::chrono::milliseconds silence);

private:
  int fd_;
  std::string kept_;
};

/// Listens on a free loopback port and gives each connection to `serve`, on a thread of its own;
/// the connection is closed when that returns. All threads have ended when the object has.
class socket_server {
public:
  explicit socket_server(std::function<void(server_end&)> serve);
  ~socket_server();
  socket_server(const socket_server&) = delete;
  socket_server& operator=(const socket_server&) = delete;

  std::uint16_t port() const noexcept { return port_; }
  /// "http://127.0.0.1:PORT" and `path`.
  std::string url(std::string_view path = "/") const;
  std::size_t connections() const noexcept { return connections_; }

private:
  void accept_all();

  std::function<void(server_end&)> serve_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> connections_{0};
  std::mutex mutex_; ///< of what follows
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread accepting_;
};

/// A whole answer with a length.
std::string http_answer(std::string_view body, std::string_view type = "application/json",
                        std::string_view status = "200 OK", std::string_view further = {});

} // namespace troupe::tests
