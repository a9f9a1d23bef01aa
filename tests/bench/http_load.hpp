#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe::bench {

/// Many connections to a server of HTTP/1.1 on this machine, one request on its way on each: the
/// next is sent when its answer has come. The answers must have a Content-Length. A server may ask
/// for another connection after some answers. One thread; what cannot be done throws.
class http_load {
public:
  /// `host_port` is of IPv4.
  http_load(const std::string& host_port, std::string request, std::size_t connections);
  ~http_load();
  http_load(const http_load&) = delete;
  http_load& operator=(const http_load&) = delete;

  /// Goes on for that time. How many answers came.
  std::uint64_t run_for(std::chrono::milliseconds time);

  /// Sends one request on each connection, and returns when all answers have come.
  void run_once();

private:
  struct connection {
    int fd = -1;
    std::string heard;
  };
  void open(connection& one) const;
  std::uint64_t turn(bool asks_again, int wait_ms);
  void ask(const connection& by) const;
  bool take(connection& by);

  std::string request_;
  std::string address_;
  std::vector<connection> connections_;
  int poll_ = -1;
};

/// A program that listens, on core 0 alone; its load comes from another. It says where it listens
/// on its first line, or `address` says it.
class measured_server {
public:
  explicit measured_server(std::vector<std::string> command, std::string address = {});
  ~measured_server();
  measured_server(const measured_server&) = delete;
  measured_server& operator=(const measured_server&) = delete;

  const std::string& address() const noexcept { return address_; }
  double processor_seconds() const; ///< used so far, in and out of the kernel
  std::size_t peak_bytes() const;   ///< the most memory it had

private:
  pid_t child_ = -1;
  std::string address_;
};

} // namespace troupe::bench
