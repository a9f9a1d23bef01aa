#pragma once

#include "nodes/http/http_server.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace troupe::http_testing {

using namespace std::chrono_literals;

class listening_sink final : public log_sink {
public:
  void write(log_line line) override {
    std::lock_guard lock{mutex_};
    lines_.push_back(std::move(line.text));
    changed_.notify_all();
  }
  std::vector<std::string> lines() const {
    std::lock_guard lock{mutex_};
    return lines_;
  }
  bool wait_for(const std::string& part) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, 20s, [&] {
      return std::ranges::any_of(lines_, [&](const auto& l) { return l.find(part) != l.npos; });
    });
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

/// A plain socket, so that a test can send what no HTTP client would send.
class caller {
public:
  caller() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    timeval patience{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  explicit caller(const std::string& address) : caller() { connect(address); }
  ~caller() { close(); }
  void close() {
    if (fd_ >= 0)
      ::close(std::exchange(fd_, -1));
  }
  caller(const caller&) = delete;
  caller& operator=(const caller&) = delete;

  void connect(const std::string& address) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
    ASSERT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  }

  void say(std::string_view bytes) {
    ASSERT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  /// Reads that many bytes.
  std::string hear(std::size_t bytes) {
    while (pending_.size() < bytes && receive(pending_)) {
    }
    auto heard = pending_.substr(0, bytes);
    pending_.erase(0, heard.size());
    return heard;
  }

  /// Reads until the text has come, which is the end of what was sent.
  std::string hear_until(std::string_view end) {
    while (!pending_.ends_with(end) && receive(pending_)) {
    }
    return std::exchange(pending_, {});
  }

  int last_error() const { return error_; }

  /// Reads everything until the other side closes, which it must.
  std::string hear_all() {
    std::string heard;
    while (receive(heard)) {
    }
    EXPECT_NE(error_, EAGAIN) << "it is open still";
    return heard;
  }

  /// Reads one answer with its body, by Content-Length.
  std::string hear_one() {
    for (;;) {
      auto end = pending_.find("\r\n\r\n");
      if (end != pending_.npos) {
        auto field = pending_.find("Content-Length: ");
        auto whole = end + 4 + std::stoul(pending_.substr(field + 16));
        if (pending_.size() >= whole) {
          auto one = pending_.substr(0, whole);
          pending_.erase(0, whole);
          return one;
        }
      }
      if (!receive(pending_))
        return std::exchange(pending_, {});
    }
  }

  /// Whether nothing has arrived, not even the end.
  bool hears_nothing() {
    char byte;
    return ::recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
  }

private:
  bool receive(std::string& to) {
    char buffer[4096];
    auto got = ::recv(fd_, buffer, sizeof buffer, 0);
    error_ = got < 0 ? errno : 0;
    if (got > 0)
      to.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  int fd_;
  int error_ = 0;
  std::string pending_;
};

/// A server with the pages of a node: /health, and /fault, which fails.
class a_server : public ::testing::Test {
protected:
  a_server() { open(pages()); }

  static http_routes pages() {
    http_routes made;
    made.add_page("GET", "/metrics", [](const incoming_request&) { return http_answer{}; });
    made.add_page("GET", "/health", [](const incoming_request& request) {
      return http_answer{200,
                         "application/json",
                         "{\"accept\":\"" + std::string{request.header("accept")} + "\"}",
                         {}};
    });
    made.add_page("GET", "/fault", [](const incoming_request&) -> http_answer {
      throw std::runtime_error("a fault of the page");
    });
    return made;
  }

  void open(http_routes routes, const http_server_options& options = {}) {
    server_.reset();
    auto opened = http_server::open("127.0.0.1:0", std::move(routes), log_, options);
    ASSERT_TRUE(opened) << opened.error().message;
    server_ = std::move(*opened);
  }

  std::string ask(std::string_view bytes) {
    caller peer{server_->address()};
    peer.say(bytes);
    return peer.hear_all();
  }

  listening_sink log_;
  std::unique_ptr<http_server> server_;
};

inline std::string status_line(const std::string& answer) {
  return answer.substr(0, answer.find("\r\n"));
}

} // namespace troupe::http_testing
