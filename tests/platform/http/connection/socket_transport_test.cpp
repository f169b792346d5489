// The transport's contract over a socket pair.

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <verge/platform/http/connection/socket_transport.hpp>

#include "manual_clock.hpp"

namespace verge::http {
namespace {

struct HeardUser : TransportUser {
  std::vector<std::string> heard;
  void on_open(bool is_open) override { heard.push_back(is_open ? "open" : "not open"); }
  void on_read(size_t bytes, bool is_end) override {
    heard.push_back("read " + std::to_string(bytes) + (is_end ? " end" : ""));
  }
  void on_written(bool is_written) override { heard.push_back(is_written ? "written" : "failed"); }
};

struct SocketPair {
  test::ManualClock clock;
  Site site{Router(), {}, clock, 10, 1};
  Loop loop{site};
  std::shared_ptr<HeardUser> user = std::make_shared<HeardUser>();
  Descriptor client;
  std::unique_ptr<Transport> transport;

  SocketPair() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    client = Descriptor(ends[0]);
    transport = plain_transport(loop, Descriptor(ends[1]), AF_UNIX);
  }
};

TEST(SocketTransport, OperationsEndInTheLoopAndNotBefore) {
  SocketPair f;
  f.transport->open(f.user);
  const std::string_view parts[] = {"ab", "", "cd"};
  f.transport->write(f.user, parts);
  char space[8];
  ASSERT_EQ(::write(f.client.number(), "xyz", 3), 3);
  f.transport->read(f.user, space);
  EXPECT_TRUE(f.user->heard.empty());
  f.loop.poll();
  EXPECT_EQ(std::vector<std::string>(f.user->heard.begin(), f.user->heard.end()).size(), 3u);
  char received[8];
  EXPECT_EQ(::read(f.client.number(), received, sizeof(received)), 4);
  EXPECT_EQ(std::string(received, 4), "abcd");
  EXPECT_EQ(std::string(space, 3), "xyz");
}

TEST(SocketTransport, TheEndAndAFailureDiffer) {
  SocketPair f;
  char space[8];
  f.transport->read(f.user, space);
  ::shutdown(f.client.number(), SHUT_WR);
  f.loop.poll();
  EXPECT_EQ(f.user->heard, std::vector<std::string>{"read 0 end"});
  f.user->heard.clear();
  f.client = Descriptor();
  const std::string_view part[] = {"ab"};
  f.transport->write(f.user, part);
  f.loop.poll();
  EXPECT_EQ(f.user->heard, std::vector<std::string>{"failed"});
}

TEST(SocketTransport, CloseEndsWhatIsUnderWay) {
  SocketPair f;
  char space[8];
  f.transport->read(f.user, space);
  f.transport->shutdown(f.user);
  char received = 0;
  EXPECT_EQ(::read(f.client.number(), &received, 1), 0);
  f.transport->close();
  f.loop.poll();
  EXPECT_EQ(f.user->heard, std::vector<std::string>{"read 0"});
  EXPECT_EQ(f.user.use_count(), 1) << "nothing keeps the user alive";
}

}  // namespace
}  // namespace verge::http
