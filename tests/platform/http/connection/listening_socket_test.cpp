#include <cerrno>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <verge/platform/http/connection/listening_socket.hpp>

#include "child_process.hpp"
#include "http_client.hpp"
#include "temporary_folder.hpp"

namespace verge::http {
namespace {

bool machine_has_ipv6() {
  return open_listening({.host = "::1"}).ok();
}

TEST(ListeningSocket, PortZeroIsAnyFreeOne) {
  const auto a = open_listening({}), b = open_listening({});
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_NE(a->front().port, 0);
  EXPECT_NE(a->front().port, b->front().port);
}

TEST(ListeningSocket, AnAddressInUseIsNamed) {
  const auto first = open_listening({});
  ASSERT_TRUE(first.ok());
  const auto second = open_listening({.port = first->front().port});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::Conflict);
  EXPECT_TRUE(second.error().message.starts_with(
      "127.0.0.1:" + std::to_string(first->front().port) + ": the address is in use"))
      << second.error().message;
}

TEST(ListeningSocket, EveryAddressOfANameIsOnePort) {
  const auto sockets = open_listening({.host = "localhost"});
  ASSERT_TRUE(sockets.ok()) << sockets.error().message;
  for (const ListeningSocket& socket : *sockets) EXPECT_EQ(socket.port, sockets->front().port);
}

TEST(ListeningSocket, TheAddressOfAllTakesBothKinds) {
  if (!machine_has_ipv6()) GTEST_SKIP() << "no IPv6 here";
  const auto sockets = open_listening({.host = "::"});
  ASSERT_TRUE(sockets.ok());
  EXPECT_TRUE(test::HttpClient(sockets->front().port).is_connected()) << "by IPv4";
}

TEST(ListeningSocket, UnknownHostsAndForeignAddressesAreNamed) {
  const auto unknown = open_listening({.host = "no.such.host.invalid"});
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, Code::NotFound);
  EXPECT_TRUE(unknown.error().message.starts_with("no.such.host.invalid: "));
  const auto foreign = open_listening({.host = "203.0.113.1"});
  ASSERT_FALSE(foreign.ok());
  EXPECT_EQ(foreign.error().code, Code::NotFound);
  EXPECT_TRUE(foreign.error().message.starts_with("203.0.113.1:0: this machine has no such"));
}

TEST(ListeningSocket, ErrorsNameTheRemedy) {
  const Error privileged = listen_error("0.0.0.0:80", 80, EACCES);
  EXPECT_EQ(privileged.code, Code::Denied);
  EXPECT_NE(privileged.message.find("0.0.0.0:80: "), std::string::npos);
  EXPECT_NE(privileged.message.find("CAP_NET_BIND_SERVICE"), std::string::npos);
  EXPECT_EQ(listen_error("/run/x", 0, EACCES).code, Code::Denied);
  EXPECT_EQ(listen_error("x:1", 1, EMFILE).code, Code::Io);
}

TEST(ListeningSocket, AStaleLocalSocketIsReplacedAndALiveOneIsNot) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "s";
  const int left = test::in_child([&] { return open_listening({.unix_path = path}).ok() ? 0 : 1; });
  ASSERT_EQ(left, 0);
  const auto again = open_listening({.unix_path = path});
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(open_listening({.unix_path = path}).error().code, Code::Conflict);
  EXPECT_TRUE(test::HttpClient(path).is_connected());
}

TEST(ListeningSocket, FilesAreNotReplaced) {
  const test::TemporaryFolder folder;
  const std::string path = folder.add("precious", "data");
  EXPECT_EQ(open_listening({.unix_path = path}).error().code, Code::Conflict);
  EXPECT_EQ(folder.entries(), 1u);
  EXPECT_EQ(open_listening({.unix_path = folder / "no/such"}).error().code, Code::NotFound);
  EXPECT_EQ(open_listening({.unix_path = std::string(200, 'x')}).error().code,
            Code::InvalidArgument);
}

}  // namespace
}  // namespace verge::http
