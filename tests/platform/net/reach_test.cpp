#include <gtest/gtest.h>
#include <tcp_relay.hpp>

#include <verge/platform/net/reach.hpp>

namespace verge::net {
namespace {

Address address_of(const test::LoopbackPort& port) {
  return Address::parse(port.address()).value();
}

void expect_unreached(const Result<std::string>& found, const std::string& why) {
  ASSERT_FALSE(found.ok()) << *found;
  EXPECT_EQ(found.error().code, Code::Io);
  EXPECT_NE(found.error().message.find(why), std::string::npos) << found.error().message;
}

TEST(Reach, FindsWhoListens) {
  const test::LoopbackPort port(true);
  const auto found = reach(address_of(port), 10);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, "127.0.0.1");
}

TEST(Reach, SaysThatNothingListens) {
  expect_unreached(reach(address_of(test::LoopbackPort(false)), 10), "nothing listens there");
}

TEST(Reach, TriesTheNextAddressWhenOneFails) {
  const test::LoopbackPort port(true);
  const auto found = reach_any(address_of(port), {"::1", "127.0.0.2", "127.0.0.1"}, 10);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, "127.0.0.1");
}

TEST(Reach, NamesEveryAddressThatFailed) {
  const Address address = address_of(test::LoopbackPort(false));
  const auto found = reach_any(address, {"127.0.0.2", "127.0.0.1"}, 10);
  expect_unreached(found, "127.0.0.2: Connection refused, 127.0.0.1: Connection refused");
}

// A port whose queue of connections is full says nothing at all: the other does.
TEST(Reach, DoesNotWaitForOneThatIsSilent) {
  const test::LoopbackPort silent(false);
  ASSERT_EQ(::listen(silent.number(), 0), 0);
  std::vector<Descriptor> queue;
  for (int i = 0; i < 3; ++i) {
    queue.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    const sockaddr_in address = test::loopback(address_of(silent).port);
    (void)::connect(queue.back().number(), reinterpret_cast<const sockaddr*>(&address),
                    sizeof(address));
  }
  expect_unreached(reach(address_of(silent), 0.2), "no answer");
  // The same port at another address of this machine, where somebody listens.
  const Descriptor other(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address = test::loopback(address_of(silent).port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  ASSERT_EQ(::bind(other.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
            0);
  ASSERT_EQ(::listen(other.number(), 4), 0);
  const auto found = reach_any(address_of(silent), {"127.0.0.1", "127.0.0.2"}, 10);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, "127.0.0.2");
}

}  // namespace
}  // namespace verge::net
