#include "nodes/http/request_head.hpp"

#include <gtest/gtest.h>

namespace troupe {

using namespace std::string_view_literals;
namespace {

unsigned refused(std::string_view head) {
  auto parsed = parse_request_head(head);
  auto refusal = std::get_if<http_refusal>(&parsed);
  return refusal ? refusal->status : 0;
}

std::string get_with(const std::string& lines, const std::string& version = "1.1") {
  return "GET /health HTTP/" + version + "\r\n" + lines + "\r\n";
}

TEST(request_head, reads_what_is_well_formed) {
  auto bytes = get_with("Host: a\r\nAccept: application/json\r\n"); // what is read are views of it
  auto parsed = parse_request_head(bytes);
  ASSERT_TRUE(std::holds_alternative<http_request_head>(parsed));
  const auto& head = std::get<http_request_head>(parsed);
  EXPECT_EQ(head.path, "/health");
  EXPECT_EQ(head.method, "GET");
  ASSERT_EQ(head.fields.size(), 2u);
  EXPECT_EQ(head.fields[1].name, "Accept");
  EXPECT_EQ(head.fields[1].value, "application/json");
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(refused(get_with("Host: a\r\nContent-Length: 0\r\n")), 0u);
  EXPECT_EQ(refused(get_with("", "1.0")), 0u);
}

TEST(request_head, routes_an_absolute_target_by_its_path) {
  auto path = [](const std::string& target) {
    auto bytes = "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
    auto parsed = parse_request_head(bytes);
    return std::holds_alternative<http_request_head>(parsed)
               ? std::string{std::get<http_request_head>(parsed).path}
               : "refused";
  };
  EXPECT_EQ(path("http://elsewhere:99/health?a=b"), "/health");
  EXPECT_EQ(path("http://elsewhere"), "/");
  EXPECT_EQ(path("http://elsewhere?x=/health"), "/");
  EXPECT_EQ(path("/a?b?c"), "/a");
  EXPECT_EQ(path("HTTP://elsewhere/health"), "/health");
  EXPECT_EQ(path("hTTpS://[::1]:99/health"), "/health");
  EXPECT_EQ(path("http://user@elsewhere/health"), "refused");
  EXPECT_EQ(path("http:///health"), "refused");
  EXPECT_EQ(path("http://:80/health"), "refused");
  EXPECT_EQ(path("ftp://elsewhere/health"), "refused");
  EXPECT_EQ(path("*"), "refused");
  EXPECT_EQ(path("health"), "refused");
}

TEST(request_head, refuses_every_transfer_encoding) {
  for (auto coding : {"xchunked", "identity", "chunked, identity", "gzip, chunked", "chunked"})
    EXPECT_EQ(refused(get_with("Host: a\r\nTransfer-Encoding: " + std::string{coding} + "\r\n")),
              400u)
        << coding;
  EXPECT_EQ(refused(get_with("Transfer-Encoding: chunked\r\n", "1.0")), 400u);
  EXPECT_EQ(refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"), 400u);
}

TEST(request_head, wants_one_host) {
  EXPECT_EQ(refused(get_with("")), 400u);
  EXPECT_EQ(refused(get_with("Host: a\r\nHost: a\r\n")), 400u);
  EXPECT_EQ(refused(get_with("Host: a\r\nHost: b\r\n", "1.0")), 400u);
}

TEST(request_head, wants_a_host_that_is_one) {
  for (auto host : {"a", "a.b-c_d~e", "127.0.0.1:80", "[::1]:8080", "[::ffff:1.2.3.4]", "a:", "",
                    "x%41y", "localhost:"})
    EXPECT_EQ(refused(get_with("Host: " + std::string{host} + "\r\n")), 0u) << host;
  for (auto host : {"a b", "a,b c", "a/b", "a:b", "a:1:2", "user@a", "[::1", "[]", "[::1]x", "::1",
                    "a\"b", "<a>", "x%4", "x%zz", "a\tb", "\xc3\xa4", "http://a"})
    EXPECT_EQ(refused(get_with("Host: " + std::string{host} + "\r\n")), 400u) << host;
  EXPECT_EQ(refused(get_with("Host: a b\r\n", "1.0")), 400u);
}

TEST(request_head, refuses_folded_lines) {
  EXPECT_EQ(refused(get_with("Host: a\r\nX: b\r\n c\r\n")), 400u);
  EXPECT_EQ(refused(get_with("Host: a\r\nX: b\r\n\tc\r\n")), 400u);
  EXPECT_EQ(refused(get_with("Host: a\r\nTransfer-Encoding:\r\n chunked\r\n")), 400u);
}

TEST(request_head, refuses_a_body) {
  EXPECT_EQ(refused(get_with("Host: a\r\nContent-Length: 1\r\n")), 400u);
  EXPECT_EQ(refused(get_with("Host: a\r\nContent-Length: 1, 1\r\n")), 400u);
  EXPECT_EQ(refused(get_with("Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n")), 400u);
  EXPECT_EQ(refused(get_with("Host: a\r\nContent-Length: +0\r\n")), 400u);
  EXPECT_EQ(refused(get_with("Host: a\r\nContent-Length: 18446744073709551616\r\n")), 400u);
}

TEST(request_head, refuses_what_is_no_http) {
  for (auto head : {"\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
                    "GET / http/1.1\r\nHost: a\r\n\r\n", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
                    "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n\r\n",
                    "\x16\x03\x01\x02\x01\r\n\r\n"})
    EXPECT_EQ(refused(head), 400u) << head;
  EXPECT_EQ(refused("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"sv), 400u);
}

} // namespace
} // namespace troupe
