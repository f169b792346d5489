#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <verge/platform/http/connection/address.hpp>

namespace verge::http {
namespace {

sockaddr_storage address(int family, const char* text) {
  sockaddr_storage storage = {};
  storage.ss_family = static_cast<sa_family_t>(family);
  void* const at = family == AF_INET
                       ? static_cast<void*>(&reinterpret_cast<sockaddr_in&>(storage).sin_addr)
                       : static_cast<void*>(&reinterpret_cast<sockaddr_in6&>(storage).sin6_addr);
  const bool is_parsed = family == AF_UNIX || ::inet_pton(family, text, at) == 1;
  EXPECT_TRUE(is_parsed) << text;
  return storage;
}

TEST(Address, HasAName) {
  EXPECT_EQ(address_name(address(AF_INET, "203.0.113.5")), "203.0.113.5");
  EXPECT_EQ(address_name(address(AF_INET6, "2001:db8::1")), "2001:db8::1");
  EXPECT_EQ(address_name(address(AF_INET6, "::ffff:203.0.113.5")), "203.0.113.5");
  EXPECT_EQ(address_name(address(AF_UNIX, "")), "unix");
}

TEST(Address, ASubnetOfIpv6IsOneClient) {
  const auto group = [](const char* text) { return address_group(address(AF_INET6, text)); };
  EXPECT_EQ(group("2001:db8:1:2::1"), group("2001:db8:1:2:ffff::2"));
  EXPECT_NE(group("2001:db8:1:2::1"), group("2001:db8:1:3::1"));
  EXPECT_EQ(group("::ffff:203.0.113.5"), address_group(address(AF_INET, "203.0.113.5")));
  EXPECT_NE(group("::ffff:203.0.113.5"), group("::ffff:203.0.113.6"));
  EXPECT_EQ(address_group(address(AF_UNIX, "")), "");
}

TEST(Address, Ipv6StandsInBrackets) {
  EXPECT_EQ(host_and_port("::1", 80), "[::1]:80");
  EXPECT_EQ(host_and_port("localhost", 80), "localhost:80");
}

}  // namespace
}  // namespace verge::http
