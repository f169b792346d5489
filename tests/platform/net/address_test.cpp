#include <tuple>

#include <gtest/gtest.h>

#include <verge/platform/net/address.hpp>

namespace verge::net {
namespace {

TEST(Address, IsHostAndPort) {
  const std::tuple<const char*, const char*, int> right[] = {
      {"edge-1.example:7443", "edge-1.example", 7443},
      {"127.0.0.1:1", "127.0.0.1", 1},
      {"[::1]:65535", "::1", 65535},
  };
  for (const auto& [text, host, port] : right) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->host, host);
    EXPECT_EQ(address->port, port);
    EXPECT_EQ(address->text(), text);
  }
  for (const char* text : {"", "host", "host:", ":7443", "host:0", "host:65536", "host:7443x",
                           "host:-1", "[]:5", "::1:7443", "host:99999999999999999999"}) {
    EXPECT_EQ(Address::parse(text).error().code, Code::InvalidArgument) << text;
  }
}

TEST(Address, AHostHasNumericOnes) {
  EXPECT_EQ(*resolve({"10.0.0.7", 1}), std::vector<std::string>{"10.0.0.7"});
  EXPECT_EQ(*resolve({"2001:db8::5", 1}), std::vector<std::string>{"2001:db8::5"});
  EXPECT_EQ(resolve({"localhost", 1})->front(), "127.0.0.1");
}

TEST(Address, ANameWithoutOneIsSaidToHaveNone) {
  // RFC 6761: no resolver knows names below "invalid".
  const auto found = resolve({"no-such-node.invalid", 7443});
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, Code::Io);
  EXPECT_TRUE(found.error().message.starts_with("no-such-node.invalid:7443: "));
}

}  // namespace
}  // namespace verge::net
