#include <exception>
#include <utility>

#include <fmt/format.h>

#include <verge/platform/http/connection/verdict.hpp>
#include <verge/platform/http/cors.hpp>

namespace verge::http {
namespace {

constexpr std::string_view kRetryAfterS = "1";

Response missing_route(const Site& site, const Request& request, const Match& match) {
  if (match.allow.empty()) {
    return refusal(site, 404, fmt::format("there is no {} here", request.path), &request);
  }
  const std::string methods = fmt::format("{}", fmt::join(match.allow, ", "));
  Response response = refusal(
      site, 405,
      fmt::format("{} does not answer {}; it answers {}", request.path, request.method, methods),
      &request);
  response.headers.set("Allow", methods);
  return response;
}

Response admission_failed(const Site& site, const Request& request) {
  return refusal(site, 500, "the server failed to check this request; it is a fault of its own",
                 &request);
}

std::optional<Response> refused_by_owner(const Site& site, const Request& request) {
  if (!site.options.admit) return std::nullopt;
  try {
    return site.options.admit(request);
  } catch (const std::exception&) {
    return admission_failed(site, request);
  }
}

}  // namespace

Response refusal(const Site& site, int status, std::string message, const Request* request) {
  Response response = text_response(status, message + "\n");
  if (site.options.render_refusal) {
    try {
      response = site.options.render_refusal({status, std::move(message), request});
    } catch (const std::exception&) {
      // The plain text stands.
    }
  }
  response.status = status;
  if (status == 429 || status == 503)
    response.headers.set("Retry-After", std::string(kRetryAfterS));
  return response;
}

Verdict judge(Site& site, Request& request, std::string_view encoded_path) {
  const std::string* id = request.headers.find("X-Request-Id");
  request.id = id != nullptr && is_sane_request_id(*id) ? *id : site.ids.make();
  Verdict verdict;
  verdict.body_bytes = site.options.limits.body_bytes;
  verdict.origin = allowed_origin(site.options.cors, request);
  if (encoded_path == "*") {
    verdict.answer =
        options_response(site.options.cors, request, {"GET", "HEAD", "OPTIONS", "POST"});
    return verdict;
  }
  Match match = site.router.match(request.method, encoded_path);
  request.params = std::move(match.params);
  if (match.handler == nullptr && request.method == "OPTIONS" && !match.allow.empty()) {
    verdict.answer = options_response(site.options.cors, request, match.allow);
    return verdict;
  }
  verdict.answer = refused_by_owner(site, request);
  if (!verdict.answer && match.handler == nullptr) {
    verdict.answer = missing_route(site, request, match);
  }
  verdict.handler = match.handler;
  if (match.options != nullptr && match.options->body_bytes) {
    verdict.body_bytes = *match.options->body_bytes;
  }
  return verdict;
}

}  // namespace verge::http
