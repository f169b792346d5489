#include <algorithm>

#include <verge/stages/serve/api/local_origin.hpp>

namespace verge::serve::api {
namespace {

// "[::1]:8080" is "[::1]", "localhost:8080" is "localhost".
std::string_view without_port(std::string_view host) {
  const size_t bracket = host.find(']');
  const size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return host.substr(0, colon);
}

bool is_this_machine(std::string_view host) {
  const std::string_view name = without_port(host);
  const bool is_loopback_address =
      name.starts_with("127.") && name.find_first_not_of("0123456789.") == std::string_view::npos;
  return name == "localhost" || name == "[::1]" || is_loopback_address;
}

std::string_view host_of_origin(std::string_view origin) {
  const size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ? std::string_view() : origin.substr(scheme + 3);
}

}  // namespace

bool is_local(const http::Request& request, std::span<const std::string> origins) {
  const std::string_view host = request.headers.value("Host", "localhost");
  const std::string* origin = request.headers.find("Origin");
  const auto is_named = [&](const std::string& known) {
    return known == "*" || (origin != nullptr && known == *origin);
  };
  if (!is_this_machine(host)) return false;
  return origin == nullptr || host_of_origin(*origin) == host ||
         std::ranges::any_of(origins, is_named);
}

}  // namespace verge::serve::api
