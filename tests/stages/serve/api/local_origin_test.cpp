#include <vector>

#include <gtest/gtest.h>

#include <verge/stages/serve/api/local_origin.hpp>

namespace verge::serve::api {
namespace {

bool local(const char* host, const char* origin = nullptr, std::vector<std::string> origins = {}) {
  http::Request request;
  if (host != nullptr) request.headers.set("Host", host);
  if (origin != nullptr) request.headers.set("Origin", origin);
  return is_local(request, origins);
}

TEST(LocalOrigin, HostsOfThisMachinePass) {
  for (const char* host :
       {"localhost", "localhost:8080", "127.0.0.1:1", "127.1.2.3", "[::1]:8080", "[::1]"}) {
    EXPECT_TRUE(local(host)) << host;
  }
  EXPECT_TRUE(local(nullptr));
}

TEST(LocalOrigin, NamesThatPointHereDoNot) {
  for (const char* host : {"evil.example", "evil.example:8080", "127.0.0.1.evil.example",
                           "localhost.evil.example", "", "10.0.0.1", "[::2]"}) {
    EXPECT_FALSE(local(host)) << host;
  }
}

TEST(LocalOrigin, PagesOfOthersDoNotUnlessNamed) {
  EXPECT_TRUE(local("localhost:8080", "http://localhost:8080"));
  EXPECT_FALSE(local("localhost:8080", "http://localhost:3000"));
  EXPECT_FALSE(local("localhost:8080", "https://evil.example"));
  EXPECT_FALSE(local("localhost:8080", "null"));
  EXPECT_TRUE(local("localhost:8080", "http://localhost:3000", {"http://localhost:3000"}));
  EXPECT_TRUE(local("localhost:8080", "https://any.example", {"*"}));
}

}  // namespace
}  // namespace verge::serve::api
