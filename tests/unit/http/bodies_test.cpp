#include "tests/unit/http/caller.hpp"

#include "nodes/http/chunked_body.hpp"

/// What a request's body may be, and how it is read.
namespace troupe {
namespace {

using namespace http_testing;

constexpr std::size_t body_max = 100;

class a_server_with_bodies : public a_server {
protected:
  a_server_with_bodies() {
    http_routes routes;
    routes.add({"POST", "/echo",
                [](const incoming_request& request, server_call call) {
                  call.answer({200, "text/plain", std::string{request.body()}, {}});
                },
                body_max});
    routes.add_page("GET", "/items/*/of/*", [](const incoming_request& request) {
      return http_answer{200,
                         "text/plain",
                         std::string{request.part(0)} + "+" + std::string{request.part(1)} + "+"
                             + std::string{request.argument("x")},
                         {}};
    });
    routes.add_page("GET", "/reflect", [](const incoming_request&) {
      return http_answer{200, "text/plain", "body", {{"X-Said", "a\r\nX-Evil: 1\n\n<b>"}}};
    });
    open(std::move(routes));
  }

  std::string post(const std::string& head, const std::string& body) {
    return ask("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + head + "\r\n" + body);
  }
};

std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

std::string length(std::size_t bytes) {
  return "Content-Length: " + std::to_string(bytes) + "\r\n";
}

TEST_F(a_server_with_bodies, reads_a_body_by_its_length_however_it_is_split) {
  std::string whole = "POST /echo HTTP/1.1\r\nHost: a\r\n" + length(5)
                      + "\r\nhelloGET /items/1/of/2?y&x=3 HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    caller peer{server_->address()};
    peer.say(std::string_view{whole}.substr(0, cut));
    if (cut % 8 == 0) // else both parts are often read at once
      std::this_thread::yield();
    peer.say(std::string_view{whole}.substr(cut));
    EXPECT_EQ(body_of(peer.hear_one()), "hello") << cut;
    EXPECT_EQ(body_of(peer.hear_one()), "1+2+3") << cut;
  }
}

TEST_F(a_server_with_bodies, refuses_a_body_over_the_limit_of_its_route) {
  EXPECT_EQ(body_of(post(length(body_max), std::string(body_max, 'x'))),
            std::string(body_max, 'x'));
  EXPECT_EQ(status_line(post(length(body_max + 1), std::string(body_max + 1, 'x'))),
            "HTTP/1.1 413 Content Too Large");
  EXPECT_EQ(status_line(post(length(99'999'999'999), "")), "HTTP/1.1 413 Content Too Large");
  auto chunks = [](std::size_t bytes) {
    std::string made;
    for (std::size_t i = 0; i < bytes; ++i)
      made += "1\r\nx\r\n";
    return made + "0\r\n\r\n";
  };
  EXPECT_EQ(body_of(post("Transfer-Encoding: chunked\r\n", chunks(body_max))),
            std::string(body_max, 'x'));
  EXPECT_EQ(status_line(post("Transfer-Encoding: chunked\r\n", chunks(body_max + 1))),
            "HTTP/1.1 413 Content Too Large");
}

TEST_F(a_server_with_bodies, refuses_what_smuggles_or_inflates) {
  for (auto head :
       {"Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n", "Transfer-Encoding : chunked\r\n",
        "Content-Length: 1, 1\r\n", "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: +3\r\n",
        "Content-Length: -1\r\n", "Content-Length: 0x3\r\n",
        "Content-Length: 18446744073709551616\r\n", "Host: b\r\n"}) {
    auto heard = post(head, "abcGET /items/1/of/2 HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(status_line(heard), "HTTP/1.1 400 Bad Request") << head;
    EXPECT_EQ(heard.find("HTTP/1.1 200"), heard.npos) << head << "something was served behind it";
  }
  EXPECT_EQ(status_line(post("Content-Encoding: gzip\r\n" + length(3), "abc")),
            "HTTP/1.1 415 Unsupported Media Type");
  EXPECT_EQ(status_line(post("Expect: a miracle\r\n" + length(3), "abc")),
            "HTTP/1.1 417 Expectation Failed");
  EXPECT_EQ(status_line(ask("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
            "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(status_line(ask("GET /reflect HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")),
            "HTTP/1.1 400 Bad Request");
}

TEST_F(a_server_with_bodies, refuses_chunks_that_are_none) {
  for (auto chunks :
       {"x\r\n", "-1\r\na\r\n", "+1\r\na\r\n0\r\n\r\n", "1 \r\na\r\n0\r\n\r\n", "1\na\n0\n\n",
        "ffffffffffffffffff\r\n", "1\r\nab\r\n0\r\n\r\n", "1;=x\r\na\r\n0\r\n\r\n"})
    EXPECT_EQ(status_line(post("Transfer-Encoding: chunked\r\n", chunks)),
              "HTTP/1.1 400 Bad Request")
        << chunks;
}

TEST(chunked_body, is_the_same_wherever_it_is_cut) {
  const std::string chunks = "3\r\nabc\r\nA;n=\"v\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
  for (std::size_t cut = 0; cut <= chunks.size(); ++cut) {
    chunked_body body{body_max};
    std::string_view first{chunks.data(), cut};
    EXPECT_EQ(body.take(first) == chunked_body::state::complete, cut == chunks.size());
    auto with_next = chunks.substr(cut) + "GET";
    std::string_view second{with_next};
    if (cut < chunks.size()) {
      EXPECT_EQ(body.take(second), chunked_body::state::complete) << cut;
      EXPECT_EQ(second, "GET") << cut;
    }
    EXPECT_EQ(body.bytes(), "abc0123456789") << cut;
  }
}

TEST_F(a_server_with_bodies, asks_for_a_body_that_waits_to_be_asked_for) {
  caller peer{server_->address()};
  peer.say("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" + length(5) + "\r\n");
  EXPECT_EQ(peer.hear(25), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.say("hello");
  EXPECT_EQ(body_of(peer.hear_one()), "hello");
}

TEST_F(a_server_with_bodies, gives_a_slow_body_a_time) {
  http_routes routes;
  routes.add({"POST", "/echo", [](const incoming_request&, server_call) {}});
  http_server_options options;
  options.patience.body = 20ms;
  open(std::move(routes), options);
  caller peer{server_->address()};
  peer.say("POST /echo HTTP/1.1\r\nHost: a\r\n" + length(5) + "\r\nhel");
  EXPECT_EQ(peer.hear_all(), "");
}

TEST_F(a_server_with_bodies, lets_no_value_end_its_header_line) {
  auto heard = ask("GET /reflect HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_NE(heard.find("X-Said: a?\?X-Evil: 1?\?<b>\r\n"), heard.npos) << heard;
  EXPECT_EQ(body_of(heard), "body");
}

TEST_F(a_server_with_bodies, says_which_methods_a_path_has) {
  auto heard = ask("PUT /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_line(heard), "HTTP/1.1 405 Method Not Allowed");
  EXPECT_NE(heard.find("Allow: POST\r\n"), heard.npos) << heard;
  for (auto path : {"/items//of/2", "/items/1/of/", "/items/1/2/of/3", "/items/1/of/2/"})
    EXPECT_EQ(status_line(ask("GET " + std::string{path}
                              + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")),
              "HTTP/1.1 404 Not Found")
        << path;
}

} // namespace
} // namespace troupe
