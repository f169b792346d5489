#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <verge/core/descriptor.hpp>
#include <verge/platform/fleet/reachability.hpp>

namespace verge::fleet {
namespace {

// A socket of 127.0.0.1 that has a port; it listens if it shall.
struct Port {
  explicit Port(bool listens) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket.number(), generic, size), 0);
    EXPECT_EQ(getsockname(socket.number(), generic, &size), 0);
    if (listens) {
      EXPECT_EQ(listen(socket.number(), 4), 0);
    }
    number = ntohs(address.sin_port);
  }

  Descriptor socket{::socket(AF_INET, SOCK_STREAM, 0)};
  int number = 0;
};

TEST(Reachability, FindsWhoListens) {
  const Port port(true);
  const auto found = reach({"127.0.0.1", port.number}, 10);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, "127.0.0.1");
}

TEST(Reachability, SaysThatNothingListens) {
  const Port port(false);
  const auto found = reach({"127.0.0.1", port.number}, 10);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::Io);
  EXPECT_NE(found.error().message.find("nothing listens there"), std::string::npos)
      << found.error().message;
}

}  // namespace
}  // namespace verge::fleet
