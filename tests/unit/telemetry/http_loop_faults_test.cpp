#include "tests/support/socket_server.hpp"
#include "tests/unit/telemetry/http_caller.hpp"

#include <future>

namespace troupe {

namespace {

using namespace tests;

constexpr std::string_view chunked_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

http_ending end_of(http_loop& loop, http_call what) {
  return start(loop, std::move(what)).told->wait_for_end();
}

TEST(http_loop_faults, nobody_listens) {
  std::string url;
  {
    socket_server server{[](server_end&) {}};
    url = server.url();
  }
  auto loop = make_loop();
  auto ending = end_of(*loop, get(url));
  EXPECT_EQ(ending.why, http_end::connect);
  EXPECT_TRUE(ending.words.starts_with("no connection to 127.0.0.1:")) << ending.words;
}

TEST(http_loop_faults, a_server_that_speaks_no_tls) {
  socket_server server{[](server_end& peer) { peer.send("220 hello\r\n"); }};
  auto loop = make_loop();
  auto ending = end_of(*loop, get("https" + server.url().substr(4)));
  EXPECT_EQ(ending.why, http_end::tls);
}

TEST(http_loop_faults, a_server_that_never_greets) {
  socket_server server{[](server_end& peer) { peer.wait_for_close(); }};
  auto loop = make_loop();
  auto what = get("https" + server.url().substr(4));
  what.connect_within = 50ms;
  auto ending = end_of(*loop, what);
  EXPECT_EQ(ending.why, http_end::timeout_connect);
  auto whom = server.url("").substr(std::string{"http://"}.size());
  EXPECT_EQ(ending.words, "connected to " + whom + ", but no TLS within 50 ms");
}

TEST(http_loop_faults, a_server_that_never_answers) {
  socket_server server{[](server_end& peer) {
    peer.read_request();
    peer.wait_for_close();
  }};
  auto loop = make_loop();
  auto what = get(server.url());
  what.first_within = 50ms;
  EXPECT_EQ(end_of(*loop, what).why, http_end::timeout_first);
}

TEST(http_loop_faults, a_head_without_a_body_is_no_answer) {
  socket_server server{[](server_end& peer) {
    peer.read_request();
    peer.send(chunked_head);
    peer.wait_for_close();
  }};
  auto loop = make_loop();
  auto what = get(server.url());
  what.first_within = 50ms;
  EXPECT_EQ(end_of(*loop, what).why, http_end::timeout_first);
}

TEST(http_loop_faults, a_server_that_falls_silent) {
  socket_server server{[](server_end& peer) {
    peer.read_request();
    peer.send(std::string{chunked_head} + "1\r\nx\r\n");
    peer.wait_for_close();
  }};
  auto loop = make_loop();
  auto what = get(server.url());
  what.between_within = 50ms;
  EXPECT_EQ(end_of(*loop, what).why, http_end::timeout_between);
}

TEST(http_loop_faults, a_server_that_drips) {
  socket_server server{[](server_end& peer) {
    peer.read_request();
    peer.send(chunked_head);
    while (peer.send("1\r\nx\r\n") && peer.fill(0, 0ms) == 0)
      std::this_thread::sleep_for(5ms); // the drip
  }};
  auto loop = make_loop();
  auto what = get(server.url());
  what.total_within = 100ms;
  EXPECT_EQ(end_of(*loop, what).why, http_end::timeout_total);
}

TEST(http_loop_faults, connections_that_break) {
  for (std::string_view sent :
       {"", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "no HTTP at all\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    socket_server server{[&](server_end& peer) {
      peer.read_request();
      peer.send(sent);
    }};
    auto loop = make_loop();
    auto ending = end_of(*loop, get(server.url()));
    EXPECT_EQ(ending.why, http_end::broken) << sent;
    EXPECT_FALSE(ending.words.empty());
  }
}

TEST(http_loop_faults, a_connection_that_is_reset) {
  socket_server server{[](server_end& peer) {
    peer.read_request();
    peer.send(std::string{chunked_head} + "1\r\nx\r\n");
    peer.reset();
  }};
  auto loop = make_loop();
  auto call = start(*loop, get(server.url()));
  EXPECT_EQ(call.told->wait_for_end().why, http_end::broken);
}

TEST(http_loop_faults, a_server_that_hangs_slows_no_other) {
  socket_server hanging{[](server_end& peer) {
    peer.read_request();
    peer.wait_for_close();
  }};
  socket_server good{[](server_end& peer) {
    peer.read_request();
    peer.send(http_answer("{}"));
  }};
  auto loop = make_loop();
  std::vector<started> stuck;
  for (int i = 0; i < 100; ++i)
    stuck.push_back(start(*loop, get(hanging.url())));
  EXPECT_EQ(end_of(*loop, get(good.url())).why, http_end::done);
  EXPECT_EQ(loop->running(), 100U);
}

/// Calls to one server wait until the first connection to it is there, since they may share it.
TEST(http_loop_faults, a_server_that_never_greets_slows_no_other) {
  socket_server silent{[](server_end& peer) { peer.wait_for_close(); }};
  socket_server good{[](server_end& peer) {
    peer.read_request();
    peer.send(http_answer("{}"));
  }};
  auto loop = make_loop();
  std::vector<started> stuck;
  auto what = get("https" + silent.url().substr(4));
  what.connect_within = 20s;
  for (int i = 0; i < 50; ++i)
    stuck.push_back(start(*loop, what));
  EXPECT_EQ(end_of(*loop, get(good.url())).why, http_end::done);
  EXPECT_EQ(loop->running(), 50U);
  for (const auto& one : stuck)
    loop->cancel(one.id);
  what.connect_within = 50ms;
  for (auto& one : stuck)
    one = start(*loop, what);
  for (const auto& one : stuck) // those that wait have their own deadline
    EXPECT_EQ(one.told->wait_for_end().why, http_end::timeout_connect);
}

/// A name server that says nothing about one name, and knows all others.
struct silent_for_some {
  std::promise<void> end;
  std::shared_future<void> ended = end.get_future().share();

  name_lookup look_up() {
    return [ended = ended](const std::string& host) -> result<name_addresses> {
      if (host.starts_with("silent"))
        ended.wait();
      if (host == "nobody.test")
        return fail(ec::not_found, "there is no host called nobody.test");
      return name_addresses{"127.0.0.1"};
    };
  }
};

TEST(http_loop_faults, a_silent_name_server_stops_no_other_call) {
  socket_server server{[](server_end& peer) {
    auto request = peer.read_request();
    EXPECT_NE(request.find("Host: known.test:"), request.npos);
    peer.send(http_answer("{}"));
  }};
  silent_for_some names;
  auto loop = make_loop({.look_up = names.look_up()});
  auto port = ":" + std::to_string(server.port()) + "/";
  std::vector<started> stuck;
  for (int i = 0; i < 20; ++i) {
    auto what = get("http://silent" + std::to_string(i % 10) + ".test" + port);
    what.connect_within = i == 0 ? 50ms : 1h;
    what.total_within = 1h;
    stuck.push_back(start(*loop, what));
  }
  EXPECT_EQ(end_of(*loop, get("http://known.test" + port)).why, http_end::done);
  EXPECT_EQ(stuck.front().told->wait_for_end().why, http_end::timeout_connect);
  loop->cancel(stuck[1].id);
  EXPECT_EQ(stuck[1].told->wait_for_end().why, http_end::cancelled);
  loop.reset(); // does not wait for the name server
  names.end.set_value();
}

TEST(http_loop_faults, a_name_that_nobody_has) {
  silent_for_some names;
  auto loop = make_loop({.look_up = names.look_up()});
  auto ending = end_of(*loop, get("http://nobody.test/"));
  EXPECT_EQ(ending.why, http_end::resolve);
  EXPECT_EQ(ending.words, "there is no host called nobody.test");
}

TEST(http_loop_faults, a_server_that_closes_a_kept_connection_is_asked_over_another) {
  socket_server server{[](server_end& peer) { // each connection answers once
    peer.read_request();
    peer.send(http_answer("{}"));
  }};
  auto loop = make_loop();
  for (int i = 0; i < 20; ++i) {
    auto ending = end_of(*loop, get(server.url()));
    EXPECT_EQ(ending.why, http_end::done) << ending.words;
  }
}

TEST(http_loop_faults, a_kept_connection_that_dies_at_its_next_call_is_no_error) {
  socket_server server{[](server_end& peer) {
    peer.read_request();
    peer.send(http_answer("{}"));
    peer.read_request(); // and closes: the client cannot have known
  }};
  auto loop = make_loop();
  for (int i = 0; i < 20; ++i) {
    auto what = get(server.url());
    what.method = i % 2 == 0 ? "POST" : "GET";
    auto ending = end_of(*loop, what);
    EXPECT_EQ(ending.why, http_end::done) << ending.words;
  }
}

TEST(http_loop_faults, a_header_of_the_caller_goes_to_no_proxy_that_carries_tls) {
  std::promise<std::string> asked;
  socket_server proxy{[&](server_end& peer) {
    asked.set_value(peer.read_request());
    peer.send("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
  }};
  http_loop::options how;
  how.by_proxy = {.http = {}, .https = proxy.url(), .none_for = {}};
  auto loop = *http_loop::make(std::move(how));
  auto what = get("https://api.test/v1");
  what.headers = {"authorization: Bearer marker"};
  auto ending = end_of(*loop, what);
  EXPECT_NE(ending.why, http_end::done);
  auto request = asked.get_future().get();
  EXPECT_TRUE(request.starts_with("CONNECT api.test:443 HTTP/1.1\r\n")) << request;
  EXPECT_EQ(request.find("marker"), request.npos);
  EXPECT_EQ(ending.words.find("marker"), ending.words.npos);
}

} // namespace

} // namespace troupe
