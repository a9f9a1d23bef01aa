#include "telemetry/proxies.hpp"

#include <gtest/gtest.h>

namespace troupe {

namespace {

TEST(proxies, are_chosen_by_the_scheme) {
  proxies all{.http = "http://plain:1", .https = "http://secure:2", .none_for = {}};
  EXPECT_EQ(all.choose(false, "example.com"), "http://plain:1");
  EXPECT_EQ(all.choose(true, "example.com"), "http://secure:2");
}

TEST(proxies, see_nothing_of_what_stays_on_this_machine) {
  proxies all{.http = "http://plain:1", .https = "http://secure:2", .none_for = {}};
  EXPECT_EQ(all.choose(false, "localhost"), "");
  EXPECT_EQ(all.choose(false, "127.0.0.5"), "");
  EXPECT_EQ(all.choose(true, "::1"), "");
}

TEST(proxies, are_not_asked_for_hosts_of_no_proxy) {
  proxies all{.http = "p",
              .https = "p",
              .none_for = "example.com, .inner.org 10.0.0.0/8,2001:db8::/32,192.168.1.7"};
  for (auto host : {"example.com", "EXAMPLE.com", "api.example.com", "inner.org", "a.b.inner.org",
                    "10.200.3.4", "2001:db8:1::2", "192.168.1.7"})
    EXPECT_EQ(all.choose(true, host), "") << host;
  for (auto host :
       {"myexample.com", "example.com.evil.org", "11.0.0.1", "2001:db9::1", "192.168.1.8", "com"})
    EXPECT_EQ(all.choose(true, host), "p") << host;
  all.none_for = "*";
  EXPECT_EQ(all.choose(true, "anything.org"), "");
}

TEST(proxies, of_the_kind_socks_look_names_up_themselves) {
  proxies all{.http = "socks5://h:1", .https = "socks4://h:1", .none_for = {}};
  EXPECT_EQ(all.choose(false, "example.com"), "socks5h://h:1");
  EXPECT_EQ(all.choose(true, "example.com"), "socks4a://h:1");
}

} // namespace

} // namespace troupe
