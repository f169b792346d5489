#include <algorithm>
#include <vector>

#include <verge/cli/web_pages.hpp>
#include <verge/web/assets.hpp>

namespace verge::cli {
namespace {

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view unquoted(std::string_view etag) {
  return etag.size() >= 2 && etag.front() == '"' ? etag.substr(1, etag.size() - 2) : etag;
}

http::Asset served(const web::Asset& asset) {
  return {.path = asset.path == "/" ? "index.html" : asset.path.substr(1),
          .content_type = asset.type,
          .bytes = text_of(asset.bytes),
          .gzip = text_of(asset.gzip),
          .etag = unquoted(asset.etag),
          .is_immutable = asset.immutable};
}

// Lives as long as the program, as the bytes do.
const std::vector<http::Asset>& pages() {
  static const std::vector<http::Asset> all = [] {
    std::vector<http::Asset> made;
    for (const web::Asset& asset : web::assets()) made.push_back(served(asset));
    return made;
  }();
  return all;
}

http::AssetOptions page_options() {
  http::AssetOptions options;
  options.headers.set("Content-Security-Policy", std::string(web::kContentSecurityPolicy));
  return options;
}

}  // namespace

void add_web_pages(http::Router& router) {
  if (!pages().empty()) router.add_assets("/", pages(), page_options());
}

std::function<http::Response(const http::Request&)> web_index() {
  const auto index = std::ranges::find(pages(), "index.html", &http::Asset::path);
  if (index == pages().end()) return {};
  return [page = *index](const http::Request& request) {
    return http::asset_response(page, page_options(), request);
  };
}

}  // namespace verge::cli
