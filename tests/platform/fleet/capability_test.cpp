#include <gtest/gtest.h>

#include <verge/platform/fleet/capability.hpp>

namespace verge::fleet {
namespace {

TEST(Role, HasANameBothWays) {
  for (const Role role : {Role::Device, Role::Edge, Role::Cloud}) {
    EXPECT_EQ(role_from_name(name(role)), role);
  }
  EXPECT_EQ(role_from_name("fog"), std::nullopt);
}

}  // namespace
}  // namespace verge::fleet
