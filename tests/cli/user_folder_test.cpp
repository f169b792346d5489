#include <cstdlib>

#include <gtest/gtest.h>
#include <kept_variable.hpp>

#include <verge/cli/user_folder.hpp>

namespace verge::cli {
namespace {

using test::Kept;

TEST(UserFolder, TestsLeaveVariablesAsTheyWere) {
  const Kept outer("XDG_CACHE_HOME");
  ::unsetenv("XDG_CACHE_HOME");
  {
    const Kept inner("XDG_CACHE_HOME");
    ::setenv("XDG_CACHE_HOME", "/cache", 1);
  }
  EXPECT_EQ(std::getenv("XDG_CACHE_HOME"), nullptr);
}

TEST(UserFolder, IsBelowTheVariableElseBelowHome) {
  const Kept cache("XDG_CACHE_HOME"), home("HOME");
  ::setenv("HOME", "/me", 1);
  ::setenv("XDG_CACHE_HOME", "/cache", 1);
  EXPECT_EQ(user_folder("XDG_CACHE_HOME", ".cache"), "/cache/verge");
  ::setenv("XDG_CACHE_HOME", "", 1);  // as good as none
  EXPECT_EQ(user_folder("XDG_CACHE_HOME", ".cache"), "/me/.cache/verge");
  ::unsetenv("HOME");
  EXPECT_EQ(user_folder("XDG_CACHE_HOME", ".cache"), "");
}

}  // namespace
}  // namespace verge::cli
