#include <string>

#include <gtest/gtest.h>

#include <verge/platform/http/assets.hpp>

namespace verge::http {
namespace {

constexpr Asset kPage = {.path = "index.html",
                         .content_type = "text/html; charset=utf-8",
                         .bytes = "<p>page</p>",
                         .gzip = "zipped",
                         .etag = "e1"};
constexpr Asset kPicture = {.path = "p-3fa2.png",
                            .content_type = "image/png",
                            .bytes = "png",
                            .etag = "e2",
                            .is_immutable = true};

Response answer(const Asset& asset, Headers headers = {}) {
  Request request;
  request.headers = std::move(headers);
  return asset_response(asset, {}, request);
}

TEST(Assets, PlainUnlessGzipIsAccepted) {
  EXPECT_EQ(answer(kPage).static_body, "<p>page</p>");
  EXPECT_EQ(answer(kPage).headers.find("Content-Encoding"), nullptr);
  const Response zipped = answer(kPage, {{"Accept-Encoding", "br, gzip"}});
  EXPECT_EQ(zipped.static_body, "zipped");
  EXPECT_EQ(zipped.headers.value("Content-Encoding"), "gzip");
  EXPECT_EQ(zipped.headers.value("Vary"), "Accept-Encoding");
  EXPECT_EQ(answer(kPage, {{"Accept-Encoding", "gzip;q=0"}}).static_body, "<p>page</p>");
  const Response picture = answer(kPicture, {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(picture.static_body, "png");
  EXPECT_EQ(picture.headers.find("Vary"), nullptr);
}

TEST(Assets, AKnownETagIsNotSentAgain) {
  for (const char* known : {"\"e1\"", "W/\"e1\"", "\"x\", \"e1\"", "*"}) {
    const Response response = answer(kPage, {{"If-None-Match", known}});
    EXPECT_EQ(response.status, 304) << known;
    EXPECT_EQ(response.static_body, "");
    EXPECT_EQ(response.headers.value("ETag"), "\"e1\"");
  }
  EXPECT_EQ(answer(kPage, {{"If-None-Match", "\"e2\""}}).status, 200);
  // The variants are different bytes.
  EXPECT_EQ(answer(kPage, {{"If-None-Match", "\"e1\""}, {"Accept-Encoding", "gzip"}}).status, 200);
}

TEST(Assets, NamesWithAHashAreKept) {
  EXPECT_NE(answer(kPicture).headers.value("Cache-Control").find("immutable"), std::string::npos);
  EXPECT_EQ(answer(kPage).headers.value("Cache-Control"), "no-cache");
}

TEST(Assets, SecurityHeadersAreSentAndCanBeChanged) {
  const Response response = answer(kPage);
  EXPECT_NE(response.headers.value("Content-Security-Policy").find("default-src 'self'"),
            std::string::npos);
  EXPECT_EQ(response.headers.value("X-Content-Type-Options"), "nosniff");
  AssetOptions options;
  options.headers = {{"Content-Security-Policy", "default-src 'none'"}};
  EXPECT_EQ(asset_response(kPage, options, {}).headers.value("Content-Security-Policy"),
            "default-src 'none'");
}

}  // namespace
}  // namespace verge::http
