#include <cstdlib>
#include <filesystem>

#include <verge/cli/model_store.hpp>
#include <verge/cli/user_folder.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

namespace verge::cli {

std::string store_root() {
  const char* root = std::getenv("VERGE_HOME");
  if (root != nullptr && *root != 0) return root;
  const std::string folder = user_folder("XDG_DATA_HOME", ".local/share");
  return folder.empty() ? "./.local/share/verge" : folder;
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
