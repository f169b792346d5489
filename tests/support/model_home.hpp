#pragma once
// A model store of a test's own, as $VERGE_HOME.

#include <cstdlib>
#include <string>

#include <temporary_folder.hpp>

namespace verge::test {

class ModelHome {
 public:
  ModelHome() { ::setenv("VERGE_HOME", folder_.path().c_str(), 1); }
  ~ModelHome() { ::setenv("VERGE_HOME", "/nonexistent", 1); }
  ModelHome(const ModelHome&) = delete;
  ModelHome& operator=(const ModelHome&) = delete;

  const std::string& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

}  // namespace verge::test
