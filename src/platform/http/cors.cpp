#include <algorithm>

#include <fmt/format.h>

#include <verge/platform/http/cors.hpp>

namespace verge::http {

std::string_view allowed_origin(const Cors& cors, const Request& request) {
  const std::string* origin = request.headers.find("Origin");
  if (origin == nullptr || cors.origins.empty()) return {};
  if (std::ranges::count(cors.origins, "*") > 0) return "*";
  const auto found = std::ranges::find(cors.origins, *origin);
  return found == cors.origins.end() ? std::string_view() : std::string_view(*found);
}

bool is_preflight(const Request& request) {
  return request.method == "OPTIONS" && request.headers.find("Origin") != nullptr &&
         request.headers.find("Access-Control-Request-Method") != nullptr;
}

Response options_response(const Cors& cors, const Request& request,
                          const std::vector<std::string>& methods) {
  Response response{.status = 204};
  const std::string list = fmt::format("{}", fmt::join(methods, ", "));
  response.headers.add("Allow", list);
  if (!is_preflight(request) || allowed_origin(cors, request).empty()) return response;
  response.headers.add("Access-Control-Allow-Methods", list);
  response.headers.add("Access-Control-Allow-Headers", cors.headers);
  response.headers.add("Access-Control-Max-Age", fmt::format("{}", cors.max_age_s));
  return response;
}

}  // namespace verge::http
