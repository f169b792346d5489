#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include <verge/platform/http/connection/verdict.hpp>

#include "manual_clock.hpp"

namespace verge::http {
namespace {

struct JudgedSite {
  test::ManualClock clock;
  Site site;

  explicit JudgedSite(ServerOptions options = {})
      : site(routes(), std::move(options), clock, 10, 1) {}

  static Router routes() {
    const Handler nothing = [](Request, ResponseWriter) {};
    Router router;
    router.add("POST", "/m/{name}", nothing, {.body_bytes = 7});
    router.add("GET", "/g", nothing);
    return router;
  }

  Verdict judge(const std::string& method, const std::string& path, Headers headers = {}) {
    request = Request();
    request.method = method;
    request.path = path;
    request.headers = std::move(headers);
    return http::judge(site, request, path);
  }

  Request request;
};

TEST(Verdict, ARouteHasItsHandlerParamsAndLimit) {
  JudgedSite f;
  const Verdict named = f.judge("POST", "/m/x");
  EXPECT_NE(named.handler, nullptr);
  EXPECT_FALSE(named.answer.has_value());
  EXPECT_EQ(named.body_bytes, 7u);
  EXPECT_EQ(f.request.param("name"), "x");
  EXPECT_EQ(f.judge("GET", "/g").body_bytes, Limits().body_bytes);
  EXPECT_NE(f.request.id, "");
}

TEST(Verdict, WithoutARouteItAnswers) {
  JudgedSite f;
  EXPECT_EQ(f.judge("GET", "/none").answer->status, 404);
  EXPECT_NE(f.judge("GET", "/none").answer->body.find("/none"), std::string::npos);
  EXPECT_EQ(f.judge("GET", "/m/x").answer->headers.value("Allow"), "OPTIONS, POST");
  EXPECT_EQ(f.judge("OPTIONS", "/m/x").answer->status, 204);
  EXPECT_EQ(f.judge("OPTIONS", "/none").answer->status, 404);
  EXPECT_EQ(f.judge("OPTIONS", "*").answer->status, 204);
}

TEST(Verdict, TheOwnerIsAskedBeforeTheRouteIsTold) {
  JudgedSite f({.admit = [](const Request& request) -> std::optional<Response> {
    if (request.param("name") == "open") return std::nullopt;
    return text_response(401, "");
  }});
  EXPECT_EQ(f.judge("GET", "/none").answer->status, 401) << "what is there is not told either";
  EXPECT_EQ(f.judge("POST", "/m/closed").answer->status, 401);
  EXPECT_FALSE(f.judge("POST", "/m/open").answer.has_value());
  EXPECT_EQ(f.judge("OPTIONS", "/m/x").answer->status, 204) << "preflights carry no key";
}

TEST(Verdict, AnOwnerThatFailsRefuses) {
  JudgedSite f(
      {.admit = [](const Request&) -> std::optional<Response> { throw std::runtime_error("x"); },
       .render_refusal = [](const Refusal&) -> Response { throw std::runtime_error("y"); }});
  const Verdict verdict = f.judge("GET", "/g");
  EXPECT_EQ(verdict.answer->status, 500);
  EXPECT_EQ(verdict.answer->content_type, "text/plain; charset=utf-8");
}

TEST(Refusals, ThatPassAreToBeTriedAgain) {
  JudgedSite f;
  EXPECT_EQ(refusal(f.site, 503, "m", nullptr).headers.value("Retry-After"), "1");
  EXPECT_EQ(refusal(f.site, 429, "m", nullptr).headers.value("Retry-After"), "1");
  EXPECT_EQ(refusal(f.site, 404, "m", nullptr).headers.find("Retry-After"), nullptr);
  EXPECT_EQ(refusal(f.site, 404, "m", nullptr).body, "m\n");
}

}  // namespace
}  // namespace verge::http
