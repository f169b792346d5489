#include <cstdlib>
#include <optional>

#include <gtest/gtest.h>

#include <verge/cli/user_folder.hpp>

namespace verge::cli {
namespace {

// What an environment variable was before a test set it.
class Kept {
 public:
  explicit Kept(const char* variable) : variable_(variable) {
    if (const char* value = std::getenv(variable)) value_ = value;
  }
  Kept(const Kept&) = delete;
  ~Kept() {
    if (value_) {
      ::setenv(variable_, value_->c_str(), 1);
    } else {
      ::unsetenv(variable_);
    }
  }

 private:
  const char* variable_;
  std::optional<std::string> value_;
};

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
