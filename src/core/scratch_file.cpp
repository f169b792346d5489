#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <verge/core/scratch_file.hpp>

namespace verge {

Result<ScratchFile> ScratchFile::create(const std::string& folder) {
#ifdef O_TMPFILE  // never has a name, where the file system can do that
  Descriptor nameless(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (nameless.is_open()) return ScratchFile(std::move(nameless), folder);
#endif
  std::string path = folder + "/verge-scratch-XXXXXX";
  Descriptor descriptor(::mkostemp(path.data(), O_CLOEXEC));
  if (!descriptor.is_open()) return system_error(folder, "make a file in", errno);
  ::unlink(path.c_str());
  return ScratchFile(std::move(descriptor), folder);
}

Status ScratchFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(descriptor_.number(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      return system_error(folder_, "write to a scratch file in", written < 0 ? errno : ENOSPC);
    }
    size_ += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Status ScratchFile::read(uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got =
        ::pread(descriptor_.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return system_error(folder_, "read a scratch file in", got < 0 ? errno : EIO);
    offset += static_cast<uint64_t>(got);
    bytes = bytes.subspan(static_cast<size_t>(got));
  }
  return {};
}

}  // namespace verge
