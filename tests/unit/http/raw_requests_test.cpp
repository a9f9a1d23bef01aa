#include "config/limits/http.hpp"
#include "tests/unit/http/caller.hpp"

/// Bytes that no client sends, each with another request behind it: it is refused, the connection
/// is closed, and nothing behind it is served.
namespace troupe {

using namespace std::string_literals;

namespace {

using namespace http_testing;

constexpr std::string_view next_request = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";

class raw_requests : public a_server {
protected:
  raw_requests() {
    auto routes = pages();
    routes.add({"POST", "/echo",
                [](const incoming_request& request, server_call call) {
                  call.answer({200, "text/plain", std::string{request.body()}, {}});
                },
                limits::mib});
    open(std::move(routes));
  }

  /// What is said to the request and to all behind it.
  std::string with_next(const std::string& bytes) { return ask(bytes + std::string{next_request}); }

  void expect_refused(const std::string& bytes, const std::string& what) {
    auto heard = with_next(bytes);
    EXPECT_EQ(status_line(heard), "HTTP/1.1 400 Bad Request") << what;
    EXPECT_NE(heard.find("Connection: close\r\n"), heard.npos) << what;
    EXPECT_EQ(heard.find("HTTP/1.1 200"), heard.npos) << what << ": something was served behind it";
  }
};

TEST_F(raw_requests, whose_control_characters_are_refused) {
  for (char c : "\x01\x0b\x0c\x1b\x7f"s + '\0') {
    auto shown = "character " + std::to_string(c);
    expect_refused("GET /health HTTP/1.1\r\nHost: a\r\nX: a"s + c + "b\r\n\r\n",
                   shown + " in a value");
    expect_refused("GET /health HTTP/1.1\r\nHost: a\r\nX"s + c + ": b\r\n\r\n",
                   shown + " in a name");
    expect_refused("GET /hea"s + c + "lth HTTP/1.1\r\nHost: a\r\n\r\n", shown + " in the target");
    expect_refused("GE"s + c + "T /health HTTP/1.1\r\nHost: a\r\n\r\n", shown + " in the method");
  }
  expect_refused("GET /health HTTP/1.1\r\nHost: a\r\nX-\xc3\xa9: b\r\n\r\n", "a name beyond ASCII");
}

TEST_F(raw_requests, whose_lines_end_wrongly_are_refused_at_once) {
  for (auto head :
       {"GET /health HTTP/1.1\nHost: a\n\n", // with an empty line of its own kind
        "GET /health HTTP/1.1\nHost: a\r\n\r\n", "GET /health HTTP/1.1\r\nHost: a\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "\nGET /health HTTP/1.1\r\n",
        "GET /health HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "GET /health HTTP/1.1\rHost: a\r\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\nX: b\rTransfer-Encoding: chunked\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\n \r\n", "\r\nGET /health HTTP/1.1\r\n\r\n"})
    expect_refused(head, head);
  caller peer{server_->address()}; // which waits for its answer, and sends no more
  peer.say("GET /health HTTP/1.1\nHost: a\n\n");
  EXPECT_EQ(status_line(peer.hear_one()), "HTTP/1.1 400 Bad Request");
}

TEST_F(raw_requests, whose_first_line_is_none_are_refused) {
  for (auto line : {"GET /health HTTP/1.2",   "GET /health HTTP/2.0",
                    "GET /health HTTP/0.9",   "GET /health http/1.1",
                    "GET /health HTTP/1.10",  "GET /health HTTP/01.1",
                    "GET /health HTTP/1",     "GET /health HTTP/1.",
                    "GET /health HTTP/-1.1",  "GET /health",
                    "GET  /health HTTP/1.1",  "GET /health  HTTP/1.1",
                    "GET\t/health\tHTTP/1.1", " GET /health HTTP/1.1",
                    "GET /he alth HTTP/1.1",  "GET /health HTTP/1.1 ",
                    "GET /health HTTP/1.1 x", "GET health HTTP/1.1",
                    "GET * HTTP/1.1",         "CONNECT a:80 HTTP/1.1",
                    "/health HTTP/1.1",       "HTTP/1.1 200 OK",
                    "PRI * HTTP/2.0",         "\x16\x03\x01\x02\x01"})
    expect_refused(line + "\r\nHost: a\r\n\r\n"s, line);
}

TEST_F(raw_requests, whose_header_lines_are_none_are_refused) {
  for (auto line : {": a",
                    "abc",
                    "X : a",
                    "X\t: a",
                    " X: a",
                    "X Y: a",
                    "X(: a",
                    "\"X\": a",
                    "X@: a",
                    "Host: b",
                    "Host : a",
                    "Content-Length: ",
                    "Content-Length: 1 2",
                    "Content-Length: 1_0",
                    "Content-Length: 1,",
                    "Content-Length: 1e1",
                    "Content-Length: 1.0",
                    "Content-Length: \"1\"",
                    "Transfer-Encoding: ",
                    "Transfer-Encoding: chunked;q=1",
                    "Transfer-Encoding: \"chunked\"",
                    "Transfer-Encoding: chunked, chunked",
                    "Transfer-Encoding: ,chunked",
                    "Transfer-Encoding: \013chunked",
                    "Transfer-Encoding\t: chunked"})
    expect_refused("POST /echo HTTP/1.1\r\nHost: a\r\n"s + line + "\r\n\r\n", line);
}

TEST_F(raw_requests, with_chunks_that_are_none_are_refused) {
  for (auto chunks :
       {"2\r\n{}0\r\n\r\n", "0x2\r\n{}\r\n0\r\n\r\n", " 2\r\n{}\r\n0\r\n\r\n",
        "\r\n{}\r\n0\r\n\r\n", "2\r\n{}\n0\r\n\r\n", "2\r\n{}\r\n0\r\n\n", "2\n{}\r\n0\r\n\r\n",
        "2;\x01=a\r\n{}\r\n0\r\n\r\n", "G\r\n{}\r\n0\r\n\r\n",
        "10000000000000002\r\n{}\r\n0\r\n\r\n", "2,2\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}\r\n0\r\nContent-Length: 2\r\n\r\n",
        "2\r\n{}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "2\r\n{}\r\n0\r\nX : a\r\n\r\n",
        "2\r\n{}\r\n0\r\nabc\r\n\r\n", "2\r\n{}\r\n0\r\nX: a\n\r\n"})
    expect_refused("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"s + chunks,
                   chunks);
}

TEST_F(raw_requests, with_ten_thousand_header_lines_are_refused_and_with_many_short_ones_are_not) {
  std::string many, few;
  for (int i = 0; i < 10'000; ++i)
    many += "X-" + std::to_string(i) + ": y\r\n";
  EXPECT_EQ(status_line(with_next("GET /health HTTP/1.1\r\nHost: a\r\n" + many + "\r\n")),
            "HTTP/1.1 431 Request Header Fields Too Large");
  while (few.size() < limits::http_header_bytes_max - 100)
    few += "a:\r\n";
  auto heard = ask("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + few + "\r\n");
  EXPECT_EQ(status_line(heard), "HTTP/1.1 200 OK");
}

/// One of the four modes of slowhttptest. The others are time-outs: calls_test, bodies_test.
TEST_F(raw_requests, for_many_ranges_get_the_whole_once) {
  std::string ranges = "Range: bytes=0-";
  for (int i = 0; i < 1'000; ++i)
    ranges += ",5-" + std::to_string(i);
  auto heard =
      ask("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + ranges + "\r\n\r\n");
  EXPECT_EQ(status_line(heard), "HTTP/1.1 200 OK");
  EXPECT_TRUE(heard.ends_with("\r\n\r\n{\"accept\":\"\"}")) << heard;
}

TEST_F(raw_requests, for_another_protocol_are_answered_in_this_one) {
  auto heard =
      ask("GET /health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
          "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n");
  EXPECT_EQ(status_line(heard), "HTTP/1.1 200 OK");
}

TEST_F(raw_requests, cannot_leave_the_tree_of_pages) {
  for (auto path : {"/x/../health", "/./health", "//health", "/health/", "/%68ealth", "/health%00",
                    "/health#x", "/HEALTH", "/\xc3\xa9", "/..%2fhealth", "/health;x"})
    EXPECT_EQ(
        status_line(ask("GET "s + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")),
        "HTTP/1.1 404 Not Found")
        << path;
}

} // namespace
} // namespace troupe
