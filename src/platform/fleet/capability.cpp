#include <algorithm>
#include <array>
#include <utility>

#include <verge/platform/fleet/capability.hpp>

namespace verge::fleet {
namespace {

constexpr std::array<std::pair<Role, std::string_view>, 3> kRoles = {{
    {Role::Device, "device"},
    {Role::Edge, "edge"},
    {Role::Cloud, "cloud"},
}};

}  // namespace

std::string_view name(Role role) {
  return std::ranges::find(kRoles, role, &std::pair<Role, std::string_view>::first)->second;
}

std::optional<Role> role_from_name(std::string_view name) {
  const auto found = std::ranges::find(kRoles, name, &std::pair<Role, std::string_view>::second);
  if (found == kRoles.end()) return std::nullopt;
  return found->first;
}

}  // namespace verge::fleet
