#include "tests/unit/telemetry/http_caller.hpp"

#include "tests/support/best_of_tries.hpp"
#include "tests/support/socket_server.hpp"

#include <future>

namespace troupe {

namespace {

using namespace tests;

/// Answers every request with its own first line.
void answer_all(server_end& peer) {
  for (auto request = peer.read_request(); !request.empty(); request = peer.read_request())
    if (!peer.send(http_answer(request.substr(0, request.find('\r')), "text/plain")))
      return;
}

constexpr std::string_view head_of_chunks = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                            "Transfer-Encoding: chunked\r\n\r\n";

TEST(http_loop, gives_the_head_and_the_body_and_then_one_end) {
  socket_server server{[](server_end& peer) {
    auto request = peer.read_request();
    EXPECT_NE(request.find("x-api-key: marker\r\n"), request.npos);
    EXPECT_EQ(request.find("Expect"), request.npos);
    EXPECT_TRUE(request.ends_with("\r\n\r\nhello"));
    peer.send(http_answer("body", "text/plain", "429 Slow Down", "Retry-After: 7\r\n"));
  }};
  auto loop = make_loop();
  http_call what;
  what.url = server.url("/v1/messages");
  what.headers = {"x-api-key: marker", "content-type: text/plain"};
  what.body = "hello";
  auto call = start(*loop, what);
  auto ending = call.told->wait_for_end();
  EXPECT_EQ(ending.why, http_end::done) << ending.words;
  EXPECT_EQ(ending.received_bytes, 4U);
  EXPECT_EQ(call.told->status, 429U);
  EXPECT_EQ(call.told->content_type, "text/plain");
  EXPECT_EQ(call.told->retry_after, "7");
  EXPECT_EQ(call.told->body, "body");
  loop.reset();
  EXPECT_EQ(call.told->ends, 1);
}

TEST(http_loop, uses_a_connection_again) {
  socket_server server{answer_all};
  auto loop = make_loop();
  for (int i = 0; i < 5; ++i) {
    auto ending = start(*loop, get(server.url())).told->wait_for_end();
    EXPECT_EQ(ending.why, http_end::done) << ending.words;
    EXPECT_EQ(ending.reused, i > 0);
  }
  EXPECT_EQ(server.connections(), 1U);
}

TEST(http_loop, does_many_calls_at_once) {
  constexpr std::size_t calls = 600; // more than a group has
  socket_server server{answer_all};
  auto loop = make_loop();
  std::vector<started> all;
  for (std::size_t i = 0; i < calls; ++i)
    all.push_back(start(*loop, get(server.url("/" + std::to_string(i)))));
  for (std::size_t i = 0; i < calls; ++i) {
    auto ending = all[i].told->wait_for_end();
    ASSERT_EQ(ending.why, http_end::done) << ending.words;
    EXPECT_EQ(all[i].told->body, "GET /" + std::to_string(i) + " HTTP/1.1");
  }
  EXPECT_EQ(loop->running(), 0U);
}

TEST(http_loop, gives_chunks_as_they_come) {
  std::promise<void> go_on;
  socket_server server{[&](server_end& peer) {
    peer.read_request();
    peer.send(std::string{head_of_chunks} + "5\r\nfirst\r\n");
    go_on.get_future().wait();
    peer.send("6\r\nsecond\r\n0\r\n\r\n");
  }};
  auto loop = make_loop();
  auto call = start(*loop, get(server.url()));
  EXPECT_TRUE(call.told->wait_for_bytes(5)); // the server sends no more before this
  go_on.set_value();
  EXPECT_EQ(call.told->wait_for_end().why, http_end::done);
  EXPECT_EQ(call.told->body, "firstsecond");
}

TEST(http_loop, closes_the_connection_of_a_cancelled_call_within_50_ms) {
  auto loop = make_loop();
  auto took = best_of_tries([&] {
    std::promise<std::chrono::steady_clock::time_point> closed;
    socket_server server{[&](server_end& peer) {
      peer.read_request();
      peer.send(std::string{head_of_chunks} + "1\r\nx\r\n");
      EXPECT_TRUE(peer.wait_for_close());
      closed.set_value(std::chrono::steady_clock::now());
    }};
    auto call = start(*loop, get(server.url()));
    EXPECT_TRUE(call.told->wait_for_bytes(1));
    auto cancelled = std::chrono::steady_clock::now();
    loop->cancel(call.id);
    EXPECT_EQ(call.told->wait_for_end().why, http_end::cancelled);
    // While the loop and its kept connections are still there.
    auto took_until_closed = closed.get_future().get() - cancelled;
    loop->cancel(call.id); // of a call that has ended: nothing
    EXPECT_EQ(call.told->ends, 1);
    return took_until_closed;
  });
  EXPECT_LT(took.best, 50ms);
  EXPECT_LT(took.worst, 1s);
}

TEST(http_loop, ends_its_calls_as_cancelled_when_it_goes) {
  socket_server server{[](server_end& peer) {
    peer.read_request();
    peer.wait_for_close();
  }};
  auto loop = make_loop();
  auto call = start(*loop, get(server.url()));
  loop.reset();
  EXPECT_EQ(call.told->ends, 1);
  EXPECT_EQ(call.told->wait_for_end().why, http_end::cancelled);
}

TEST(http_loop, a_paused_call_stops_its_server_and_no_other) {
  constexpr std::size_t body_bytes = 64 << 20;
  std::promise<std::size_t> before_pause;
  socket_server server{[&](server_end& peer) {
    auto request = peer.read_request();
    if (request.starts_with("GET /other"))
      return void(peer.send(http_answer("other")));
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n\r\n");
    auto sent = peer.fill(body_bytes, 1500ms); // until the peer takes no more
    before_pause.set_value(sent);
    peer.fill(body_bytes - sent, server_end::patience);
  }};
  auto loop = make_loop();
  auto told = std::make_shared<heard>();
  auto callbacks = told->callbacks(told);
  std::promise<http_call_id> id;
  auto known = id.get_future().share();
  callbacks.chunk = [&, add = callbacks.chunk](std::string_view bytes) {
    if (told->body.empty())
      loop->pause(known.get());
    add(bytes);
  };
  auto what = get(server.url());
  what.may_pause = true;
  what.answer_bytes_max = body_bytes;
  what.between_within = 1s; // does not count while it is paused
  id.set_value(*loop->start(what, callbacks));
  EXPECT_LT(before_pause.get_future().get(), body_bytes / 2);
  {
    std::lock_guard lock{told->mutex};
    EXPECT_LE(told->body.size(), static_cast<std::size_t>(limits::http_client_chunk_bytes));
    EXPECT_FALSE(told->ending);
  }
  EXPECT_EQ(start(*loop, get(server.url("/other"))).told->wait_for_end().why, http_end::done);
  loop->resume(known.get());
  auto ending = told->wait_for_end();
  EXPECT_EQ(ending.why, http_end::done) << ending.words;
  EXPECT_EQ(told->body.size(), body_bytes);
}

TEST(http_loop, cuts_an_answer_that_is_too_large) {
  socket_server server{[](server_end& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 209715200\r\n\r\n");
    peer.fill(200 << 20, 10s);
  }};
  auto loop = make_loop();
  auto what = get(server.url());
  what.answer_bytes_max = 1 << 20;
  auto call = start(*loop, what);
  auto ending = call.told->wait_for_end();
  EXPECT_EQ(ending.why, http_end::too_large);
  EXPECT_LE(call.told->body.size(), 1U << 20);
  EXPECT_NE(ending.words.find("more than 1 MiB"), ending.words.npos) << ending.words;
}

TEST(http_loop, follows_no_redirect) {
  socket_server server{[](server_end& peer) {
    peer.read_request();
    peer.send(http_answer("", "text/plain", "302 Found", "Location: http://127.0.0.1:1/\r\n"));
  }};
  auto loop = make_loop();
  auto call = start(*loop, get(server.url()));
  EXPECT_EQ(call.told->wait_for_end().why, http_end::done);
  EXPECT_EQ(call.told->status, 302U);
}

TEST(http_loop, refuses_what_is_no_request) {
  auto loop = make_loop();
  auto refused = [&](http_call what) {
    auto id = loop->start(std::move(what), {});
    return !id && id.error().code == ec::invalid_argument;
  };
  EXPECT_TRUE(refused(get("file:///etc/passwd")));
  EXPECT_TRUE(refused(get("no url")));
  auto what = get("http://127.0.0.1:1/");
  what.headers = {"a: b\r\nx-injected: c"};
  EXPECT_TRUE(refused(what));
  what.headers = {};
  what.method = "GET / HTTP/1.1\r\nX: Y\r\n\r\nPOST";
  EXPECT_TRUE(refused(what));
}

TEST(http_loop, refuses_calls_beyond_its_bound) {
  socket_server server{[](server_end& peer) {
    peer.read_request();
    peer.wait_for_close();
  }};
  auto loop = make_loop({.calls_max = 2});
  auto first = start(*loop, get(server.url())), second = start(*loop, get(server.url()));
  auto third = loop->start(get(server.url()), {});
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ec::overloaded);
  loop->cancel(first.id);
  first.told->wait_for_end();
  auto fourth = start(*loop, get(server.url()));
  loop->cancel(second.id);
}

} // namespace

} // namespace troupe
