#include <gtest/gtest.h>

#include <verge/platform/http/cors.hpp>

namespace verge::http {
namespace {

Request from(std::string origin, std::string method = "GET") {
  Request request;
  request.method = std::move(method);
  request.headers.add("Origin", std::move(origin));
  return request;
}

TEST(Cors, OnlyListedOriginsAreAllowed) {
  const Cors cors{.origins = {"https://a.example", "http://localhost:3000"}};
  EXPECT_EQ(allowed_origin(cors, from("https://a.example")), "https://a.example");
  EXPECT_EQ(allowed_origin(cors, from("http://localhost:3000")), "http://localhost:3000");
  for (const char* other : {"http://a.example", "https://a.example.evil", "null", "", "*"}) {
    EXPECT_EQ(allowed_origin(cors, from(other)), "") << other;
  }
  EXPECT_EQ(allowed_origin(cors, Request()), "");
  EXPECT_EQ(allowed_origin({}, from("https://a.example")), "");
  EXPECT_EQ(allowed_origin({.origins = {"*"}}, from("https://any.example")), "*");
}

TEST(Cors, APreflightLearnsMethodsAndHeaders) {
  Request request = from("https://a.example", "OPTIONS");
  EXPECT_FALSE(is_preflight(request));
  request.headers.add("Access-Control-Request-Method", "POST");
  EXPECT_TRUE(is_preflight(request));
  const Response response =
      options_response({.origins = {"https://a.example"}}, request, {"GET", "POST"});
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.headers.value("Allow"), "GET, POST");
  EXPECT_EQ(response.headers.value("Access-Control-Allow-Methods"), "GET, POST");
  EXPECT_NE(response.headers.value("Access-Control-Allow-Headers").find("Authorization"),
            std::string::npos);
  EXPECT_EQ(response.headers.value("Access-Control-Max-Age"), "600");
}

TEST(Cors, ForeignPreflightsLearnNothing) {
  Request request = from("https://evil.example", "OPTIONS");
  request.headers.add("Access-Control-Request-Method", "POST");
  const Response response = options_response({.origins = {"https://a.example"}}, request, {"GET"});
  EXPECT_EQ(response.headers.value("Allow"), "GET");
  EXPECT_EQ(response.headers.find("Access-Control-Allow-Methods"), nullptr);
}

}  // namespace
}  // namespace verge::http
