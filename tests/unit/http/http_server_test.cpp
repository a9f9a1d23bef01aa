#include "config/limits/http.hpp"
#include "config/limits/units.hpp"
#include "tests/unit/http/caller.hpp"

#include <sys/resource.h>

namespace troupe {
namespace {

using namespace http_testing;

TEST_F(a_server, answers_a_get) {
  auto heard =
      ask("GET /health?x=1 HTTP/1.1\r\nHost: a\r\nAccept: text/x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_line(heard), "HTTP/1.1 200 OK");
  EXPECT_NE(heard.find("Content-Type: application/json\r\n"), heard.npos);
  EXPECT_NE(heard.find("Content-Length: 19\r\n"), heard.npos);
  EXPECT_NE(heard.find("Connection: close\r\n"), heard.npos);
  EXPECT_TRUE(heard.ends_with("\r\n\r\n{\"accept\":\"text/x\"}")) << heard;
}

TEST_F(a_server, answers_a_head_without_a_body) {
  auto heard = ask("HEAD /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_line(heard), "HTTP/1.1 200 OK");
  EXPECT_NE(heard.find("Content-Length: 13\r\n"), heard.npos) << heard;
  EXPECT_TRUE(heard.ends_with("\r\n\r\n"));
}

TEST_F(a_server, names_its_pages_where_nothing_is) {
  auto heard = ask("GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_line(heard), "HTTP/1.1 404 Not Found");
  EXPECT_NE(heard.find("/metrics"), heard.npos);
  EXPECT_NE(heard.find("/health"), heard.npos);
}

TEST_F(a_server, keeps_a_connection_for_further_requests) {
  caller peer{server_->address()};
  for (int i = 0; i < 3; ++i) {
    peer.say("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    auto heard = peer.hear_one();
    EXPECT_EQ(status_line(heard), "HTTP/1.1 200 OK");
    EXPECT_NE(heard.find("Connection: keep-alive"), heard.npos);
  }
}

TEST_F(a_server, answers_pipelined_requests_in_order) {
  caller peer{server_->address()};
  peer.say("GET /health HTTP/1.1\r\nHost: a\r\n\r\nGET /no HTTP/1.1\r\nHost: a\r\n\r\nGET /hea");
  EXPECT_EQ(status_line(peer.hear_one()), "HTTP/1.1 200 OK");
  EXPECT_EQ(status_line(peer.hear_one()), "HTTP/1.1 404 Not Found");
  peer.say("lth HTTP/1.0\r\n\r\n");
  EXPECT_EQ(status_line(peer.hear_one()), "HTTP/1.1 200 OK");
  EXPECT_EQ(peer.hear_all(), "") << "HTTP/1.0 does not keep a connection unasked";
}

TEST_F(a_server, closes_behind_a_bad_request_and_serves_nothing_after_it) {
  auto heard = ask("GET /health HTTP/1.1\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(status_line(heard), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(heard.find("200 OK"), heard.npos);
}

TEST_F(a_server, allows_only_get_and_head) {
  for (auto method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"}) {
    auto heard =
        ask(std::string{method} + " /health HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    EXPECT_EQ(status_line(heard), "HTTP/1.1 405 Method Not Allowed") << method;
    EXPECT_NE(heard.find("Allow: GET, HEAD\r\n"), heard.npos);
  }
  auto heard = ask("PATCH /health HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n"
                   "Connection: close\r\n\r\n");
  EXPECT_EQ(status_line(heard), "HTTP/1.1 405 Method Not Allowed");
  EXPECT_EQ(heard.find("200 OK"), heard.npos) << "the connection has ended";
}

TEST_F(a_server, takes_no_header_beyond_its_bound) {
  std::string longest = "GET /health HTTP/1.1\r\nHost: a\r\nX: ";
  std::string end = "\r\nConnection: close\r\n\r\n";
  auto room = limits::http_header_bytes_max - longest.size() - end.size();
  EXPECT_EQ(status_line(ask(longest + std::string(room, 'x') + end)), "HTTP/1.1 200 OK");
  EXPECT_EQ(status_line(ask(longest + std::string(room + 1, 'x') + end)),
            "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(status_line(ask(std::string(limits::http_header_bytes_max + 1, 'x'))),
            "HTTP/1.1 431 Request Header Fields Too Large");
}

TEST_F(a_server, reads_on_until_its_last_answer_was_seen) {
  // Closing at once would reset the connection, and a client that is still sending would lose the
  // answer.
  caller peer{server_->address()};
  peer.say("POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n");
  EXPECT_EQ(status_line(peer.hear_one()), "HTTP/1.1 405 Method Not Allowed");
  for (int i = 0; i < 30; ++i)
    peer.say(std::string(1'000, 'x'));
  EXPECT_EQ(peer.hear_all(), "");
}

TEST_F(a_server, turns_a_fault_of_a_page_into_a_500) {
  auto heard = ask("GET /fault HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_line(heard), "HTTP/1.1 500 Internal Server Error");
  EXPECT_EQ(heard.find("a fault of the page"), heard.npos) << "details are for the log";
  EXPECT_TRUE(log_.wait_for("a fault of the page"));
}

/// Takes every file descriptor that this process may open, until `give_back` or its destruction.
class descriptor_hog {
public:
  descriptor_hog() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few{std::min<rlim_t>(before_.rlim_cur, 256), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0))
      taken_.push_back(fd);
  }
  ~descriptor_hog() { give_back(); }
  descriptor_hog(const descriptor_hog&) = delete;
  descriptor_hog& operator=(const descriptor_hog&) = delete;

  void give_back() {
    for (int fd : taken_)
      ::close(fd);
    taken_.clear();
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

private:
  rlimit before_{};
  std::vector<int> taken_;
};

TEST_F(a_server, outlives_a_lack_of_file_descriptors) {
  constexpr std::size_t requests = 2'000;
  constexpr std::string_view request = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
  caller waiting, served{server_->address()};
  served.say(request);
  ASSERT_EQ(status_line(served.hear_one()), "HTTP/1.1 200 OK"); // it is accepted
  descriptor_hog hog;
  waiting.connect(server_->address());
  waiting.say(request);
  EXPECT_TRUE(log_.wait_for("cannot accept"));
  for (std::size_t i = 0; i < requests; ++i) { // existing connections are served
    served.say(request);
    ASSERT_EQ(status_line(served.hear_one()), "HTTP/1.1 200 OK");
  }
  hog.give_back();
  EXPECT_EQ(status_line(waiting.hear_one()), "HTTP/1.1 200 OK");
  auto lines = log_.lines();
  ASSERT_EQ(lines.size(), 2u) << "said once, not at every try";
  ASSERT_NE(lines[1].find("accepts connections again after "), std::string::npos) << lines[1];
  auto pauses = std::stoul(lines[1].substr(lines[1].find("after ") + 6));
  EXPECT_LT(pauses, requests / 2) << "a listener that spins would have tried with every request";
}

TEST_F(a_server, stops_at_once_while_connections_are_open) {
  caller idle{server_->address()}, half{server_->address()};
  half.say("GET /hea");
  caller served{server_->address()};
  served.say("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
  served.hear_one();
  server_.reset();
  EXPECT_EQ(served.hear_all(), "");
  EXPECT_EQ(half.hear_all(), "");
}

http_server_options with(http_patience patience) {
  http_server_options options;
  options.patience = patience;
  return options;
}

TEST_F(a_server, closes_a_connection_that_says_nothing_or_not_enough) {
  open(pages(), with({.header = 20ms}));
  caller silent{server_->address()}, slow{server_->address()};
  slow.say("GET /health HTTP/1.1\r\nHost:");
  EXPECT_EQ(silent.hear_all(), "");
  EXPECT_EQ(slow.hear_all(), "");
}

TEST_F(a_server, closes_a_connection_that_asks_no_more) {
  open(pages(), with({.idle = 20ms}));
  caller peer{server_->address()};
  peer.say("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(status_line(peer.hear_all()), "HTTP/1.1 404 Not Found");
}

TEST_F(a_server, closes_a_connection_that_takes_no_answer) {
  http_routes routes;
  routes.add_page("GET", "/a", [](const incoming_request&) {
    return http_answer{200, "text/plain", std::string(64 * limits::mib, 'x'), {}};
  });
  open(std::move(routes), with({.write = 20ms}));
  caller peer{server_->address()};
  peer.say("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(log_.wait_for("did not take its answer"));
  EXPECT_LT(peer.hear_all().size(), 64 * limits::mib);
}

TEST(http_server, says_what_is_wrong_with_an_address) {
  listening_sink log;
  for (auto wrong : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:x",
                     "127.0.0.1:-1", "example.org:80", "[::1:80", "127.0.0.1: 80"}) {
    auto opened = http_server::open(wrong, {}, log);
    ASSERT_FALSE(opened) << wrong;
    EXPECT_EQ(opened.error().code, ec::invalid_argument) << wrong;
    EXPECT_NE(opened.error().message.find("HOST:PORT"), std::string::npos)
        << opened.error().message;
  }
}

TEST(http_server, says_which_port_is_taken_and_what_to_do) {
  listening_sink log;
  auto first = http_server::open("localhost:0", {}, log);
  ASSERT_TRUE(first);
  auto second =
      http_server::open((*first)->address(), {}, log, {}, "choose another node.http_listen");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ec::unavailable);
  EXPECT_NE(second.error().message.find((*first)->address()), std::string::npos);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;
  EXPECT_NE(second.error().message.find("node.http_listen"), std::string::npos);
}

} // namespace
} // namespace troupe
