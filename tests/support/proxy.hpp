#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace troupe::tests {

/// A door to a node that fails on demand: a TCP proxy on loopback. A rule judges each piece of data
/// from either side before it is passed on. The proxy's own thread calls the rule.
class proxy {
public:
  enum class fate {
    pass,
    hold,       ///< dropped, and both sides stay connected
    cut,        ///< dropped, and both connections end
    cut_behind, ///< passed on, then the connection to the client ends
  };
  using rule = std::function<fate(bool from_client, std::string_view bytes)>;

  proxy(const std::string& target, rule judge);
  ~proxy();
  proxy(const proxy&) = delete;
  proxy& operator=(const proxy&) = delete;

  const std::string& address() const noexcept { return address_; } ///< HOST:PORT
  int accepted() const noexcept { return accepted_; }

private:
  void serve();
  void carry(int client);

  std::string target_;
  rule judge_;
  int listening_ = -1;
  int ended_ = -1;
  std::string address_;
  std::atomic<int> accepted_{0};
  std::thread thread_;
};

} // namespace troupe::tests
