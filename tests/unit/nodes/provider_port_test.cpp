#include "nodes/provider_port.hpp"

#include "messages/http.pb.h"
#include "tests/support/process.hpp"
#include "tests/support/socket_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <future>

namespace troupe {
namespace {

using namespace std::chrono_literals;
using troupe::tests::http_answer;
using troupe::tests::server_end;
using troupe::tests::socket_server;

/// The port of a node whose one provider is a socket.
class port_of_providers : public ::testing::Test {
protected:
  void make(const std::string& url, const std::string& key_file = "") {
    provider_port::options how;
    auto& one = how.catalog.providers.emplace_back();
    one.name = "api";
    one.base_url = url;
    if (!key_file.empty())
      one.keys = {{{key_place::sort::file, key_file}}};
    how.log = make_null_log_sink();
    how.send = [this](envelope message) {
      std::lock_guard guard{mutex_};
      came_.push_back(std::move(*message.body.as<HttpEvent>()));
      changed_.notify_one();
    };
    http_loop::options alone;
    alone.by_proxy = {};
    client_ = std::move(*http_loop::make(std::move(alone)));
    port_ = std::make_unique<provider_port>(std::move(how), *client_);
  }
  void TearDown() override {
    port_.reset();
    client_.reset();
  }
  void begin(std::uint64_t id, bool stream) {
    http_port::outgoing wanted;
    wanted.id = id;
    wanted.provider = "api";
    wanted.path = "/x";
    wanted.streams = stream;
    port_->start(std::move(wanted));
  }
  HttpEvent next() {
    std::unique_lock lock{mutex_};
    if (!changed_.wait_for(lock, 20s, [this] { return !came_.empty(); })) {
      ADD_FAILURE() << "nothing came";
      return {};
    }
    auto first = std::move(came_.front());
    came_.pop_front();
    return first;
  }

  /// The last event of the one call, whatever came before.
  HttpEvent last() {
    auto event = next();
    while (!event.ended() && event.call() != 0) {
      port_->taken(event.call());
      event = next();
    }
    return event;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<HttpEvent> came_;
  std::unique_ptr<http_loop> client_;
  std::unique_ptr<provider_port> port_;
};

TEST_F(port_of_providers, stops_a_stream_whose_reader_is_slow_and_loses_nothing) {
  constexpr std::size_t body_bytes = 16 << 20;
  std::promise<std::size_t> before_pause;
  socket_server server{[&](server_end& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n\r\n");
    auto sent = peer.fill(body_bytes, 1s); // until nobody takes more
    before_pause.set_value(sent);
    peer.fill(body_bytes - sent, server_end::patience);
  }};
  make(server.url(""));
  begin(1, true);
  auto event = next();
  EXPECT_LT(before_pause.get_future().get(), body_bytes / 2) << "the first was not taken";
  std::size_t came = event.body().size();
  while (!event.ended()) {
    port_->taken(1);
    event = next();
    came += event.body().size();
    EXPECT_LE(event.body().size(), 2 * limits::provider_kept_bytes_max);
  }
  EXPECT_FALSE(event.has_why()) << event.why().message();
  EXPECT_EQ(came, body_bytes);
}

TEST_F(port_of_providers, stops_no_answer_that_comes_whole) {
  const std::string body(16 << 20, 'x');
  std::promise<void> sent;
  socket_server server{[&](server_end& peer) {
    peer.read_request();
    peer.send(http_answer(body));
    sent.set_value();
    peer.wait_for_close();
  }};
  make(server.url(""));
  begin(1, false);
  auto event = next();
  EXPECT_EQ(sent.get_future().wait_for(10s), std::future_status::ready)
      << "others may share its connection, though the first part was not taken";
  auto came = event.body().size();
  while (!event.ended()) {
    port_->taken(1);
    event = next();
    came += event.body().size();
  }
  EXPECT_EQ(came, body.size());
}

TEST_F(port_of_providers, reads_the_key_of_a_call_from_its_file_and_cuts_it_out_of_texts) {
  troupe::tests::temporary_folder folder;
  auto file = (folder.path() / "key").string();
  troupe::tests::write_file(file, "PlainMarkerKey\n");
  std::promise<std::string> head;
  socket_server server{[&](server_end& peer) {
    head.set_value(peer.read_request());
    peer.send(http_answer("the key PlainMarkerKey"));
  }};
  make(server.url(""), file);
  begin(1, false);
  auto event = next();
  EXPECT_THAT(head.get_future().get(), ::testing::HasSubstr("Bearer PlainMarkerKey"));
  EXPECT_EQ(port_->without_keys("api", event.body()), "the key ***");
}

TEST_F(port_of_providers, tells_once_what_an_answer_says_of_limits) {
  socket_server server{[&](server_end& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nX-RateLimit-Limit-Requests: 60\r\n"
              "x-ratelimit-remaining-requests: 7\r\nx-ratelimit-reset-requests: 1s\r\n"
              "Content-Length: 2\r\n\r\nok");
  }};
  make(server.url(""));
  EXPECT_FALSE(port_->take_limits("api"));
  begin(1, false);
  last();
  auto told = port_->take_limits("api");
  ASSERT_TRUE(told);
  EXPECT_EQ(told->requests(), (told_limit{60, 7, 1s}));
  EXPECT_FALSE(port_->take_limits("api")) << "it is told once";
}

TEST_F(port_of_providers, refuses_a_call_whose_key_cannot_be_read) {
  make("http://127.0.0.1:1", "/nowhere/key");
  begin(1, false);
  auto event = next();
  EXPECT_TRUE(event.ended());
  EXPECT_THAT(event.why().message(), ::testing::HasSubstr("/nowhere/key cannot be read: No such"));
}

TEST_F(port_of_providers, says_once_whose_call_it_was) {
  make("http://127.0.0.1:1");
  begin(1, false);
  EXPECT_THAT(next().why().message(), ::testing::StartsWith("provider api: no connection to "));
  socket_server server{[](server_end& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  }};
  port_.reset();
  make(server.url(""));
  begin(1, false);
  EXPECT_THAT(last().why().message(), ::testing::StartsWith("the connection to 127.0.0.1"))
      << "its reader says the rest";
}

/// The client's thread tells of the end, and may still be in the port when that was heard.
TEST_F(port_of_providers, ends_while_it_tells_of_an_end) {
  constexpr int rounds = 100; // the address sanitizer sees the old fault in one of five
  socket_server server{[](server_end& peer) {
    peer.read_request();
    peer.send(http_answer("x"));
  }};
  for (int i = 0; i < rounds; ++i) {
    make(server.url(""));
    begin(1, false);
    auto event = last();
    EXPECT_TRUE(event.ended() && !event.has_why()) << event.ShortDebugString();
    port_.reset();
    client_.reset();
  }
}

} // namespace
} // namespace troupe
