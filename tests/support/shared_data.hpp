#pragma once
// Real data: the model of the repository, and what lies beside the project, not in it; tests that
// need the latter skip with a reason.

#include <cstdlib>
#include <filesystem>
#include <string>

#include "paths.hpp"

namespace verge::test {

/// The path of the model that the project ships.
inline std::string repository_model() {
  return source_file("models/verge-lm.gguf");
}

/// The path of a file of the shared data, or "" where they are absent. They lie in
/// $VERGE_SHARED_DATA, or in ../shared/data beside the project.
inline std::string shared_data(const std::string& name) {
  const char* folder = std::getenv("VERGE_SHARED_DATA");
  const std::filesystem::path root = folder != nullptr ? folder : source_file("../shared/data");
  const std::filesystem::path path = root / name;
  return std::filesystem::exists(path) ? path.string() : "";
}

}  // namespace verge::test
