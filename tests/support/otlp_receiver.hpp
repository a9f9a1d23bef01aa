#pragma once

#include "tests/support/otlp_decode.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace troupe::tests {

/// A collector for tests. It listens on a free loopback port, keeps every request and answers as it
/// was told. It has one thread, which ends with the object.
class otlp_receiver {
public:
  struct request {
    std::string method;
    std::string target;
    std::map<std::string, std::string> headers; ///< names in lower case
    std::string body;
    std::size_t connection = 0; ///< counted from 1 in the order of acceptance
  };

  enum class manner { answer, hang, close };

  struct answer {
    unsigned status = 200;
    std::string body = {};
    std::map<std::string, std::string> headers = {};
    manner how = manner::answer;
  };

  otlp_receiver();
  ~otlp_receiver();
  otlp_receiver(const otlp_receiver&) = delete;
  otlp_receiver& operator=(const otlp_receiver&) = delete;

  /// "http://127.0.0.1:PORT"
  std::string endpoint() const;

  /// Sets the answer to the next request; several calls queue up. After that, the answer is 200
  /// with an empty body.
  void script(answer next);
  /// Sets the answer to all requests without a scripted one.
  void answer_always(answer usual);

  /// Waits for `count` requests; false if they do not come in that time.
  bool wait_for_requests(std::size_t count, std::chrono::milliseconds at_most) const;
  /// The same for spans in requests that were answered with 200.
  bool wait_for_spans(std::size_t count, std::chrono::milliseconds at_most) const;

  std::vector<request> requests() const;
  /// The spans of all requests that were answered with 200, and every problem found in them.
  decoded_request accepted() const;

private:
  struct connection {
    std::string input;
    std::string output;
    std::size_t number = 0;
    bool closing = false;
  };

  void run();
  void accept_one();
  bool serve(int fd, connection& peer, short ready);
  bool take_request(connection& peer);
  void respond(connection& peer, const answer& with);

  int listener_ = -1;
  int wake_ = -1; ///< an eventfd
  std::uint16_t port_ = 0;
  std::map<int, connection> peers_; ///< used only by the thread
  std::size_t accepted_connections_ = 0;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<answer> scripted_;
  answer usual_;
  std::vector<request> requests_;
  decoded_request accepted_;

  std::thread thread_;
};

} // namespace troupe::tests
