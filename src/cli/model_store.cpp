#include <cstdlib>
#include <filesystem>

#include <verge/cli/model_store.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

namespace verge::cli {

std::string store_root() {
  const auto given = [](const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr ? std::string(value) : "";
  };
  if (const std::string root = given("VERGE_HOME"); !root.empty()) return root;
  if (const std::string base = given("XDG_DATA_HOME"); !base.empty()) return base + "/verge";
  const std::string home = given("HOME");
  return (home.empty() ? "." : home) + "/.local/share/verge";
}

Result<store::Store> open_store() {
  return store::Store::open(store_root());
}

Result<std::string> model_path(const std::string& model) {
  std::error_code error;  // a damaged store is no obstacle to a path
  if (std::filesystem::exists(model, error)) return model;
  VERGE_TRY(const store::Store store, open_store());
  return data::model_path(store, model);
}

}  // namespace verge::cli
