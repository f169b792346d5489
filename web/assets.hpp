#pragma once
// The files of the web interface, embedded at build time. Empty when configured with VERGE_WEB=OFF.

#include <cstddef>
#include <span>
#include <string_view>

namespace verge::web {

struct Asset {
  std::string_view path;  // "/assets/index-1a2b3c4d.js"; the page itself is "/"
  std::string_view type;  // "text/javascript; charset=utf-8"
  std::string_view etag;  // quoted, from the SHA-256 of bytes
  std::span<const std::byte> bytes;
  std::span<const std::byte> gzip;  // empty where compression gains nothing
  bool immutable = false;           // the name holds a hash: may be cached for a year
};

/// Sorted by path. Lives as long as the program.
std::span<const Asset> assets();

/// What a browser may do for the pages; to be sent with every asset.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

}  // namespace verge::web
