#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/result.hpp>
#include <verge/platform/http/router.hpp>

namespace verge::http {
namespace {

void nothing(Request, ResponseWriter) {}

// "name=value;..." of what matched, "404", or "405 A, B".
std::string outcome(const Router& router, std::string_view method, std::string_view path) {
  const Match match = router.match(method, path);
  std::string text;
  if (match.handler == nullptr) {
    for (const std::string& allowed : match.allow) text += " " + allowed;
    return match.allow.empty() ? "404" : "405" + text;
  }
  for (const Field& param : match.params) text += param.name + "=" + param.value + ";";
  return text + (match.options != nullptr && match.options->body_bytes
                     ? std::to_string(*match.options->body_bytes)
                     : "");
}

Router example() {
  Router router;
  // Not in the order of precedence.
  router.add("GET", "/v1/{rest...}", nothing, {.body_bytes = 1});
  router.add("GET", "/v1/models/{model}", nothing, {.body_bytes = 2});
  router.add("GET", "/v1/models", nothing, {.body_bytes = 3});
  router.add("GET", "/v1/{kind}/all", nothing, {.body_bytes = 4});
  router.add("POST", "/v1/models/{model}", nothing, {.body_bytes = 5});
  router.add("DELETE", "/only", nothing);
  router.add("GET", "/", nothing, {.body_bytes = 6});
  return router;
}

TEST(Router, TheMostSpecificRouteAnswers) {
  const Router router = example();
  EXPECT_EQ(outcome(router, "GET", "/v1/models"), "3");
  EXPECT_EQ(outcome(router, "GET", "/v1/models/m"), "model=m;2");
  EXPECT_EQ(outcome(router, "GET", "/v1/models/all"), "model=all;2");
  EXPECT_EQ(outcome(router, "GET", "/v1/files/all"), "kind=files;4");
  EXPECT_EQ(outcome(router, "GET", "/v1/a/b/c"), "rest=a/b/c;1");
  EXPECT_EQ(outcome(router, "POST", "/v1/models/m"), "model=m;5");
  EXPECT_EQ(outcome(router, "GET", "/"), "6");
}

TEST(Router, TellsAMissingPathFromAMissingMethod) {
  const Router router = example();
  EXPECT_EQ(outcome(router, "GET", "/nowhere"), "404");
  EXPECT_EQ(outcome(router, "GET", "/v1"), "404");
  EXPECT_EQ(outcome(router, "GET", "/v1/"), "404");
  EXPECT_EQ(outcome(router, "GET", "//"), "404");
  EXPECT_EQ(outcome(router, "GET", "/only"), "405 DELETE OPTIONS");
  EXPECT_EQ(outcome(router, "PUT", "/v1/models"), "405 GET HEAD OPTIONS");
  EXPECT_EQ(outcome(router, "PUT", "/v1/models/m"), "405 GET HEAD OPTIONS POST");
  EXPECT_EQ(outcome(router, "get", "/v1/models"), "405 GET HEAD OPTIONS");
}

TEST(Router, GetAnswersHead) {
  Router router = example();
  EXPECT_EQ(outcome(router, "HEAD", "/v1/models"), "3");
  EXPECT_EQ(outcome(router, "HEAD", "/only"), "405 DELETE OPTIONS");
  router.add("HEAD", "/v1/models", nothing, {.body_bytes = 7});
  EXPECT_EQ(outcome(router, "HEAD", "/v1/models"), "7");
}

TEST(Router, EncodedSlashesDoNotSeparate) {
  const Router router = example();
  EXPECT_EQ(outcome(router, "GET", "/v1/models/org%2Fname%3Atag"), "model=org/name:tag;2");
  EXPECT_EQ(outcome(router, "GET", "/v1/%6dodels"), "3");
  EXPECT_EQ(outcome(router, "GET", "/v1/models/%zz"), "404");
}

TEST(Router, MistakesInRoutesAreBugs) {
  Router router = example();
  for (const char* pattern : {"", "v1", "/{", "/{}", "/{a...}/b", "/%zz", "/v1/models/{other}"}) {
    EXPECT_THROW(router.add("GET", pattern, nothing), InternalError) << pattern;
  }
  EXPECT_NO_THROW(router.add("PUT", "/v1/models/{other}", nothing));
}

TEST(Router, AssetsAnswerBehindRoutes) {
  static constexpr Asset kAssets[] = {{.path = "index.html", .content_type = "text/html"},
                                      {.path = "a/app.js", .content_type = "text/javascript"}};
  Router router;
  router.add("GET", "/a/app.js", nothing, {.body_bytes = 1});
  router.add_assets("/", kAssets);
  router.add_assets("/ui/", kAssets, {.index = ""});
  EXPECT_NE(router.match("GET", "/").handler, nullptr);
  EXPECT_EQ(router.match("GET", "/index.html").options, nullptr);
  EXPECT_EQ(outcome(router, "GET", "/a/app.js"), "1");
  EXPECT_EQ(outcome(router, "HEAD", "/ui/a/app.js"), "");
  EXPECT_EQ(outcome(router, "GET", "/ui/"), "404");
  EXPECT_EQ(outcome(router, "POST", "/"), "405 GET HEAD OPTIONS");
  EXPECT_THROW(router.add_assets("/x", kAssets), InternalError);
}

}  // namespace
}  // namespace verge::http
