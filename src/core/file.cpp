#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <verge/core/descriptor.hpp>
#include <verge/core/file.hpp>
#include <verge/core/temporary_name.hpp>

namespace verge {
namespace {

int advice_number(Advice advice) {
  switch (advice) {
    case Advice::Normal:
      return MADV_NORMAL;
    case Advice::Sequential:
      return MADV_SEQUENTIAL;
    case Advice::Random:
      return MADV_RANDOM;
    case Advice::WillNeed:
      return MADV_WILLNEED;
    case Advice::DontNeed:
      return MADV_DONTNEED;
  }
  return MADV_NORMAL;
}

mode_t rights_of_umask() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

Result<Descriptor> create_kept(const std::string& path, std::string& temporary) {
  while (true) {
    temporary = temporary_name(path);
    Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!file.is_open()) return system_error(path, "write", errno);
    if (keep_from_sweeps(file, temporary)) return file;
  }
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  VERGE_TRY(const OpenFile opened, open_to_read(path));
  const auto size = static_cast<size_t>(opened.bytes);
  if (size == 0) return make_error(Code::Malformed, "{}: the file is empty; fetch it again", path);
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, opened.descriptor.number(), 0);
  if (memory == MAP_FAILED) return system_error(path, "map", errno);
  MappedFile file;
  file.data_ = static_cast<const std::byte*>(memory);
  file.size_ = size;
  file.path_ = path;
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept {
  *this = std::move(other);
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(path_, other.path_);
  return *this;
}

void MappedFile::advise(Advice advice, size_t offset, size_t length) const {
  if (offset >= size_ || length == 0) return;
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t first = offset / page * page;
  const size_t last = offset + std::min(length, size_ - offset);
  void* from = const_cast<std::byte*>(data_) + first;
  ::madvise(from, last - first, advice_number(advice));
#if defined(MADV_NOHUGEPAGE)
  // Else a touch maps all of a large page of the file cache: 2 MiB for one row of a table.
  if (advice == Advice::Random) ::madvise(from, last - first, MADV_NOHUGEPAGE);
#endif
}

Result<AtomicFile> AtomicFile::create(const std::string& path, Rights rights) {
  struct stat facts {};
  const bool exists = ::stat(path.c_str(), &facts) == 0;
  if (exists && S_ISDIR(facts.st_mode)) return system_error(path, "write", EISDIR);
  if (exists && !S_ISREG(facts.st_mode)) {
    return make_error(Code::Io, "{}: is a device or pipe, which cannot be replaced; give a file",
                      path);
  }
  sweep_abandoned(path);
  AtomicFile file;
  file.path_ = path;
  VERGE_TRY(Descriptor descriptor, create_kept(path, file.temporary_));
  const int number = file.descriptor_ = descriptor.release();
  // The owner stays: who replaces a server's file as root must not lock the server out.
  if (exists && ::fchown(number, facts.st_uid, facts.st_gid) != 0) errno = 0;
  if (exists) {
    ::fchmod(number, facts.st_mode & 07777);
  } else if (rights == Rights::Usual) {  // mkostemp gives 0600
    ::fchmod(number, rights_of_umask());
  }
  return file;
}

AtomicFile::~AtomicFile() {
  discard();
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept {
  *this = std::move(other);
}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  return *this;
}

void AtomicFile::discard() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
  descriptor_ = -1;
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  VERGE_RETURN_IF_ERROR(write_at(size_, bytes));
  size_ += bytes.size();
  return {};
}

Status AtomicFile::write(std::string_view text) {
  return write(std::as_bytes(std::span(text)));
}

Status AtomicFile::write_at(uint64_t offset, std::span<const std::byte> bytes) {
  VERGE_CHECK(descriptor_ >= 0, path_);
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_error(path_, "write", written < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return {};
}

Status AtomicFile::commit() {
  VERGE_CHECK(descriptor_ >= 0, path_);
  if (::fsync(descriptor_) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int number = errno;
    discard();
    return system_error(path_, "write", number);
  }
  ::close(std::exchange(descriptor_, -1));
  sync_folder(folder_of(path_));
  return {};
}

Status write_whole_file(const std::string& path, std::string_view text, Rights rights) {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path, rights));
  VERGE_RETURN_IF_ERROR(file.write(text));
  return file.commit();
}

Result<std::string> read_whole_file(const std::string& path, size_t limit) {
  VERGE_TRY(const OpenFile opened, open_to_read(path));
  const auto size = static_cast<size_t>(opened.bytes);
  if (size > limit) {
    return make_error(Code::Unsupported, "{}: has {} bytes, more than the {} allowed here", path,
                      size, limit);
  }
  std::string text(size, '\0');
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(opened.descriptor.number(), text.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(path, "read", errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  text.resize(done);
  return text;
}

}  // namespace verge
