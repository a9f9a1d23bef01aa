#include "nodes/port_picker.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe {

namespace {

TEST(port_picker, gives_each_port_once_and_none_that_is_listened_on) {
  port_picker ports(7);
  auto first = ports.next();
  ASSERT_TRUE(first);
  EXPECT_FALSE(ports.claim(*first));
  auto second = ports.next();
  ASSERT_TRUE(second);
  EXPECT_NE(*first, *second);

  auto listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  socklen_t size = sizeof at;
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size), 0);
  EXPECT_FALSE(port_picker(7).claim(ntohs(at.sin_port)));
  ::close(listener);
}

TEST(port_of, reads_loopback_addresses_only) {
  EXPECT_EQ(port_of("127.0.0.1:4711"), 4711);
  EXPECT_FALSE(port_of("127.0.0.1:0"));
  EXPECT_FALSE(port_of("127.0.0.1:66000"));
  EXPECT_FALSE(port_of("example.org:4711"));
  EXPECT_FALSE(port_of("127.0.0.1:47x"));
}

} // namespace

} // namespace troupe
