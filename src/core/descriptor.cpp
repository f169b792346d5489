#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <verge/core/descriptor.hpp>

namespace verge {

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Result<OpenFile> open_to_read(const std::string& path) {
  // O_NONBLOCK: opening a pipe must not wait for a writer; it is refused below.
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor.is_open()) return system_error(path, "read", errno);
  struct stat facts {};
  if (::fstat(descriptor.number(), &facts) != 0) return system_error(path, "read", errno);
  if (S_ISDIR(facts.st_mode)) return system_error(path, "read", EISDIR);
  if (!S_ISREG(facts.st_mode)) {
    return make_error(Code::Io, "{}: is a device or a pipe; name a regular file", path);
  }
  return OpenFile{std::move(descriptor), static_cast<int64_t>(facts.st_size)};
}

Error system_error(const std::string& path, std::string_view action, int number) {
  switch (number) {
    case ENOENT:
      return make_error(Code::NotFound, "{}: no such file or folder; check the path", path);
    case EACCES:
    case EPERM:
    case EROFS:
      return make_error(Code::Io, "{}: permission denied to {}; check its owner and rights", path,
                        action);
    case EISDIR:
      return make_error(Code::Io, "{}: is a folder; name a file", path);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:  // a limit on file sizes, or of the file system
      return make_error(Code::Io, "{}: disk full; free some space and try again", path);
    default:
      return make_error(Code::Io, "{}: cannot {}: {}", path, action, std::strerror(number));
  }
}

void sync_folder(const std::string& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.is_open()) ::fsync(folder.number());
}

}  // namespace verge
