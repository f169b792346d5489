#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <verge/core/atomic_folder.hpp>
#include <verge/core/temporary_name.hpp>

namespace verge {
namespace fs = std::filesystem;

namespace {

Result<Descriptor> make_kept(const std::string& path, std::string& temporary) {
  while (true) {
    temporary = temporary_name(path);
    if (::mkdtemp(temporary.data()) == nullptr) return system_error(path, "write", errno);
    Descriptor folder(::open(temporary.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.is_open() && keep_from_sweeps(folder, temporary)) return folder;
    if (folder.is_open()) continue;
    const int error = errno;
    ::rmdir(temporary.c_str());
    if (error != ENOENT) return system_error(path, "write", error);
  }
}

}  // namespace

Result<AtomicFolder> AtomicFolder::create(const std::string& path) {
  const fs::path target = fs::path(path).lexically_normal();
  AtomicFolder folder;
  folder.path_ = (target.has_filename() ? target : target.parent_path()).string();
  std::error_code error;
  if (fs::exists(fs::symlink_status(folder.path_, error))) {
    return make_error(Code::Conflict, "{}: exists already; remove it or choose another name",
                      folder.path_);
  }
  sweep_abandoned(folder.path_);
  std::string temporary;
  VERGE_TRY(folder.kept_, make_kept(folder.path_, temporary));
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
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      kept_(std::move(other.kept_)) {}

AtomicFolder& AtomicFolder::operator=(AtomicFolder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(kept_, other.kept_);
  return *this;
}

Status AtomicFolder::commit() {
  sync_folder(temporary_);
  std::error_code error;
  fs::rename(temporary_, path_, error);
  if (error) return system_error(path_, "write", error.value());
  temporary_.clear();
  kept_ = Descriptor();
  sync_folder(folder_of(path_));
  return {};
}

}  // namespace verge
