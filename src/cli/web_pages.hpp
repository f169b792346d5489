#pragma once
// The web interface in the binary, as routes.

#include <functional>

#include <verge/platform/http/router.hpp>

namespace verge::cli {

/// All pages and their files.
void add_web_pages(http::Router& router);
/// What "/" shows to a browser; empty in a build without the web interface.
std::function<http::Response(const http::Request&)> web_index();

}  // namespace verge::cli
