#include <fmt/format.h>

#include <verge/platform/http/assets.hpp>
#include <verge/platform/http/wire/field_value.hpp>

namespace verge::http {
namespace {

// If-None-Match compares weakly (RFC 9110, 13.1.2).
bool names_etag(std::string_view if_none_match, std::string_view quoted) {
  while (!if_none_match.empty()) {
    std::string_view element = next_element(if_none_match);
    if (element.starts_with("W/")) element.remove_prefix(2);
    if (element == quoted || element == "*") return true;
  }
  return false;
}

}  // namespace

Headers default_security_headers() {
  return {{"Content-Security-Policy",
           "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
           "frame-ancestors 'none'"},
          {"X-Content-Type-Options", "nosniff"},
          {"X-Frame-Options", "DENY"},
          {"Referrer-Policy", "no-referrer"},
          {"Cross-Origin-Opener-Policy", "same-origin"},
          {"Cross-Origin-Resource-Policy", "same-origin"}};
}

Response asset_response(const Asset& asset, const AssetOptions& options, const Request& request) {
  const bool is_gzip =
      !asset.gzip.empty() && accepts_coding(request.headers.value("Accept-Encoding"), "gzip");
  const std::string etag = fmt::format("\"{}{}\"", asset.etag, is_gzip ? "-gzip" : "");
  Response response;
  response.headers = options.headers;
  response.headers.add("ETag", etag);
  response.headers.add("Cache-Control",
                       asset.is_immutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (!asset.gzip.empty()) response.headers.add("Vary", "Accept-Encoding");
  if (names_etag(request.headers.value("If-None-Match"), etag)) {
    response.status = 304;
    return response;
  }
  if (is_gzip) response.headers.add("Content-Encoding", "gzip");
  response.content_type = asset.content_type;
  response.static_body = is_gzip ? asset.gzip : asset.bytes;
  return response;
}

}  // namespace verge::http
