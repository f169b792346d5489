#pragma once
// Assets: files that live in the binary, served with ETag, gzip variant and security headers.

#include <string>
#include <string_view>

#include <verge/platform/http/message.hpp>

namespace verge::http {

struct Asset {
  std::string_view path;  // "assets/app-3fa2.js", without a leading slash
  std::string_view content_type = {};
  std::string_view bytes = {};
  std::string_view gzip = {};  // empty: none
  std::string_view etag = {};  // without quotes, changes with the bytes
  bool is_immutable = false;   // its name changes with its bytes: cached for a year
};

/// Sent with every asset. Everything from this server only, no frames, no sniffing.
Headers default_security_headers();

struct AssetOptions {
  std::string index = "index.html";  // what the prefix itself shows; empty: nothing
  Headers headers = default_security_headers();
};

/// The answer to GET or HEAD: 200, or 304 when If-None-Match names the ETag; the gzip variant when
/// Accept-Encoding allows it.
Response asset_response(const Asset& asset, const AssetOptions& options, const Request& request);

}  // namespace verge::http
