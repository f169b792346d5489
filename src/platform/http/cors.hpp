#pragma once
// Cross-origin requests of browsers (the CORS protocol of the Fetch standard).

#include <string>
#include <string_view>
#include <vector>

#include <verge/platform/http/message.hpp>
#include <verge/platform/http/options.hpp>

namespace verge::http {

/// What Access-Control-Allow-Origin says to this request; empty when its origin is not allowed.
std::string_view allowed_origin(const Cors& cors, const Request& request);

/// An OPTIONS request by which a browser asks whether it may send another.
bool is_preflight(const Request& request);

/// The answer to OPTIONS: 204 with the methods there are, and what a preflight asks for.
Response options_response(const Cors& cors, const Request& request,
                          const std::vector<std::string>& methods);

}  // namespace verge::http
