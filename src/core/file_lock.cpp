#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>

#include <verge/core/file_lock.hpp>
#include <verge/core/temporary_name.hpp>

namespace verge {

Result<FileLock> FileLock::of_folder_of(const std::string& path) {
  const std::string folder = verge::folder_of(path);
  Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open()) return system_error(folder, "open", errno);
  int status;
  do {
    status = ::flock(opened.number(), LOCK_EX);
  } while (status != 0 && errno == EINTR);
  if (status != 0) return system_error(folder, "lock", errno);
  return FileLock(std::move(opened));
}

}  // namespace verge
