#include <array>
#include <filesystem>
#include <fstream>

#include <verge/engine/format/image/reader.hpp>
#include <verge/engine/format/image/writer.hpp>
#include <verge/stages/serve/vision/picture_list.hpp>

namespace verge::serve {
namespace {

namespace fs = std::filesystem;

bool begins_like_a_picture(const fs::path& path) {
  std::array<char, 16> begin{};
  std::ifstream(path, std::ios::binary).read(begin.data(), begin.size());
  return format::image_format(std::as_bytes(std::span(begin))).has_value();
}

Status add_folder(const std::string& folder, PictureList& list) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code unknown;
    if (!at->is_regular_file(unknown)) continue;
    const std::string path = at->path().string();
    const bool is_picture =
        format::image_format_of_name(path).has_value() || begins_like_a_picture(at->path());
    if (is_picture) files.push_back(path);
    list.passed_over += is_picture ? 0 : 1;
  }
  if (error) return make_error(Code::Io, "{}: {}", folder, error.message());
  if (files.empty()) {
    return make_error(Code::NotFound, "{}: a folder without JPEG, PNG or WebP files", folder);
  }
  std::ranges::sort(files);
  list.files.insert(list.files.end(), files.begin(), files.end());
  return {};
}

}  // namespace

Result<PictureList> list_pictures(const std::vector<std::string>& paths) {
  PictureList list;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::not_found) {
      return make_error(Code::NotFound, "{}: no such file or folder", path);
    }
    if (status.type() == fs::file_type::directory) {
      VERGE_RETURN_IF_ERROR(add_folder(path, list));
    } else {
      list.files.push_back(path);
    }
  }
  return list;
}

}  // namespace verge::serve
