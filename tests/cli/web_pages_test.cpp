#include <gtest/gtest.h>

#include <verge/cli/web_pages.hpp>

namespace verge::cli {
namespace {

TEST(WebPages, ArePlainFilesWithAPolicy) {
  const auto index = web_index();
  if (!index) GTEST_SKIP() << "this build has no web interface";
  http::Request request;
  request.method = "GET";
  const http::Response page = index(request);
  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(page.content_type.starts_with("text/html"));
  EXPECT_NE(page.headers.value("Content-Security-Policy").find("default-src 'none'"),
            std::string_view::npos);
  http::Router router;
  add_web_pages(router);
  EXPECT_NE(router.match("GET", "/").handler, nullptr);
  EXPECT_EQ(router.match("GET", "/no/such/page.js").handler, nullptr);
}

}  // namespace
}  // namespace verge::cli
