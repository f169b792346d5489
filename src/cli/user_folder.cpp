#include <cstdlib>

#include <verge/cli/user_folder.hpp>

namespace verge::cli {
namespace {

std::string given(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string user_folder(const char* variable, const char* below_home) {
  if (const std::string base = given(variable); !base.empty()) return base + "/verge";
  const std::string home = given("HOME");
  return home.empty() ? "" : home + "/" + below_home + "/verge";
}

}  // namespace verge::cli
