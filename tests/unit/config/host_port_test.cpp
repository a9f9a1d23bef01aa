#include "config/base/host_port.hpp"
#include "config/suggest.hpp"

#include <gtest/gtest.h>

using namespace troupe;

TEST(endpoints, host_and_port_are_read) {
  auto four = parse_host_port("127.0.0.1:4700");
  ASSERT_TRUE(four);
  EXPECT_EQ(four->host, "127.0.0.1");
  EXPECT_EQ(four->port, 4700);
  auto six = parse_host_port("[::1]:0");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->port, 0);
}

TEST(endpoints, anything_else_is_refused) {
  for (auto bad : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", ":80",
                   "a b:80", "::1:80", "[::1:80", "[x]:80", "[]:80", "host:80x", "host: 80"})
    EXPECT_FALSE(parse_host_port(bad)) << bad;
}

TEST(endpoints, only_loopback_addresses_may_be_listened_on) {
  for (auto good : {"127.0.0.1:0", "127.255.0.9:80", "localhost:80", "[::1]:80"})
    EXPECT_TRUE(parse_listen(good)) << good;
  for (auto bad : {"0.0.0.0:80", "[::]:80", "10.0.0.1:80", "128.0.0.1:80", "example.com:80",
                   "127.0.0.1.example.com:80", "localhost.example.com:80"}) {
    auto refused = parse_listen(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_NE(refused.error().find("no TLS yet"), std::string::npos) << refused.error();
  }
}

TEST(suggestions, name_the_nearest_word_or_nothing) {
  constexpr std::string_view words[] = {"listen", "http_listen", "data", "roles"};
  EXPECT_EQ(nearest("lisen", words), "listen");
  EXPECT_EQ(nearest("listne", words), "listen");
  EXPECT_EQ(nearest("http_listn", words), "http_listen");
  EXPECT_EQ(nearest("colour", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest(std::string(1000, 'x'), words), "");
  EXPECT_EQ(did_you_mean("dat", words), " (did you mean data?)");
  EXPECT_EQ(did_you_mean("colour", words), "");
}
