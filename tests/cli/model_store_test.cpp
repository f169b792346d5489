#include <cstdlib>

#include <gtest/gtest.h>
#include <model_home.hpp>

#include <verge/cli/model_store.hpp>

namespace verge::cli {
namespace {

TEST(ModelStore, LiesWhereTheEnvironmentSays) {
  const std::string home = std::getenv("HOME") != nullptr ? std::getenv("HOME") : ".";
  ::unsetenv("VERGE_HOME");
  ::unsetenv("XDG_DATA_HOME");
  EXPECT_EQ(store_root(), home + "/.local/share/verge");
  ::setenv("XDG_DATA_HOME", "/data", 1);
  EXPECT_EQ(store_root(), "/data/verge");
  ::setenv("VERGE_HOME", "", 1);
  EXPECT_EQ(store_root(), "/data/verge");
  ::setenv("VERGE_HOME", "/models", 1);
  EXPECT_EQ(store_root(), "/models");
  ::unsetenv("XDG_DATA_HOME");
  ::setenv("VERGE_HOME", "/nonexistent", 1);
}

TEST(ModelStore, ADamagedOneIsNoObstacleToAPath) {
  const test::ModelHome home;
  const test::TemporaryFolder folder;
  std::ofstream(home.path() + "/store.sqlite") << std::string(4096, 'x');
  EXPECT_EQ(model_path(folder.path()).value(), folder.path());
  EXPECT_EQ(model_path("name").error().code, Code::Malformed);
}

}  // namespace
}  // namespace verge::cli
