#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include <sys/stat.h>

#include <verge/core/atomic_folder.hpp>
#include <verge/core/descriptor.hpp>

namespace verge {
namespace fs = std::filesystem;

Result<AtomicFolder> AtomicFolder::create(const std::string& path) {
  const fs::path target = fs::path(path).lexically_normal();
  AtomicFolder folder;
  folder.path_ = (target.has_filename() ? target : target.parent_path()).string();
  std::error_code error;
  if (fs::exists(fs::symlink_status(folder.path_, error))) {
    return make_error(Code::Conflict, "{}: exists already; remove it or choose another name",
                      folder.path_);
  }
  std::string temporary = folder.path_ + ".XXXXXX";
  if (::mkdtemp(temporary.data()) == nullptr) return system_error(folder.path_, "write", errno);
  folder.temporary_ = std::move(temporary);
  // mkdtemp gives 0700; a new folder should have the rights the user's umask grants.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::chmod(folder.temporary_.c_str(), 0777 & ~mask);
  return folder;
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

AtomicFolder::AtomicFolder(AtomicFolder&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, {})) {}

AtomicFolder& AtomicFolder::operator=(AtomicFolder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  return *this;
}

Status AtomicFolder::commit() {
  sync_folder(temporary_);
  std::error_code error;
  fs::rename(temporary_, path_, error);
  if (error) return system_error(path_, "write", error.value());
  temporary_.clear();
  const std::string parent = fs::path(path_).parent_path().string();
  sync_folder(parent.empty() ? "." : parent);
  return {};
}

}  // namespace verge
