#pragma once

#include "nodes/http_listener.hpp"

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
  ~caller() { ::close(fd_); }
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

  /// Reads everything until the other side closes.
  std::string hear_all() {
    std::string heard;
    while (receive(heard)) {
    }
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
    if (got > 0)
      to.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  int fd_;
  std::string pending_;
};

class a_listener : public ::testing::Test {
protected:
  a_listener() {
    auto opened = http_listener::open(
        "127.0.0.1:0",
        [this](std::string_view path, std::string_view accept) { return answer(path, accept); },
        log_);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    listener_ = std::move(*opened);
  }

  std::optional<http_answer> answer(std::string_view path, std::string_view accept) {
    if (path == "/fault")
      throw std::runtime_error("a fault of the page");
    if (path != "/health")
      return std::nullopt;
    return http_answer{200, "application/json", "{\"accept\":\"" + std::string{accept} + "\"}"};
  }

  std::string ask(std::string_view bytes) {
    caller peer{listener_->address()};
    peer.say(bytes);
    return peer.hear_all();
  }

  listening_sink log_;
  std::unique_ptr<http_listener> listener_;
};

inline std::string status_line(const std::string& answer) {
  return answer.substr(0, answer.find("\r\n"));
}

} // namespace troupe::http_testing
