#include <algorithm>

#include <fmt/format.h>

#include <verge/platform/http/connection/request_ids.hpp>

namespace verge::http {

bool is_sane_request_id(std::string_view id) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.:/+=@").find(c) != std::string_view::npos;
  };
  return !id.empty() && id.size() <= 128 && std::ranges::all_of(id, is_allowed);
}

std::string RequestIds::make() {
  return fmt::format("{:08x}-{:x}", series_, next_.fetch_add(1, std::memory_order_relaxed));
}

}  // namespace verge::http
