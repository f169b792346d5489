#pragma once
// Which pictures are meant by files and folders.

#include <string>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::serve {

struct PictureList {
  std::vector<std::string> files = {};  // as given; those of a folder in the order of their names
  int64_t passed_over = 0;              // files in folders that are no pictures
};

/// Of a folder: files, not folders, that are named or begin like a picture. Fails with NotFound
/// for a folder without any and a path that is not there.
Result<PictureList> list_pictures(const std::vector<std::string>& paths);

}  // namespace verge::serve
