#pragma once

#include "nodes/http/http_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

/// For the server's own files: this header is the only one that shows Asio to several of them.
namespace troupe {

class http_connection;

/// What the loops of a server share. All but the counts is fixed before the first thread starts.
struct http_service {
  http_service(http_routes table, log_sink& to, const http_server_options& chosen)
      : routes(std::move(table)), log(to), options(chosen) {}

  /// False: this address has as many as it may have.
  bool enter(const std::string& peer);
  void leave(const std::string& peer);
  /// Waits until no connection is open; returns how many are.
  std::size_t wait_for_none(std::chrono::milliseconds at_most);

  const http_routes routes;
  log_sink& log;
  const http_server_options options;
  std::atomic<bool> draining{false};

private:
  std::mutex mutex_;
  std::condition_variable left_;
  std::size_t open_ = 0;
  std::map<std::string, std::size_t> by_address_; ///< only if they are bounded
};

/// One I/O thread and the connections that belong to it. Everything but `post` and `stop` is called
/// in its thread, or after that has ended.
///
/// A connection is in one of two lists. Those in `waiting` wait for their peers, the first for
/// longest: it goes when there is no room. Each connection has a deadline; one timer a loop looks
/// after all of them.
class server_loop : public std::enable_shared_from_this<server_loop> {
public:
  using clock = std::chrono::steady_clock;
  using list = std::list<http_connection*>;

  server_loop(http_service& shared, std::size_t at_most)
      : service(shared), connections_max(at_most) {}

  void start();
  /// Ends the thread, closes all connections and makes `post` do nothing.
  void stop();
  /// Runs `work` in the loop's thread soon; not at all once it has stopped. Any thread.
  void post(std::function<void()> work);
  bool is_here() const noexcept;

  void adopt(boost::asio::ip::tcp::socket socket, std::string peer);
  /// Closes the connections that wait for a request and have none.
  void close_idle();
  bool nearly_full() const {
    return waiting.size() + busy.size() > connections_max - connections_max / 4;
  }
  /// Makes sure that deadlines are looked at by then.
  void look_at(clock::time_point when);

  http_service& service;
  const std::size_t connections_max;
  boost::asio::io_context io{1};
  list waiting;
  list busy;
  std::array<char, limits::http_read_bytes> buffer; ///< what was read last
  std::string scratch;                              ///< what is about to be sent

private:
  void run();
  void make_room();
  void look();

  boost::asio::steady_timer timer_{io};
  clock::time_point next_look_ = clock::time_point::max();
  std::thread thread_;
  std::mutex mutex_; ///< of `stopped_`
  bool stopped_ = false;
};

} // namespace troupe
