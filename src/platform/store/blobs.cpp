#include <cerrno>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <verge/core/file.hpp>
#include <verge/platform/store/blobs.hpp>
#include <verge/platform/store/sha256.hpp>

namespace verge::store {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPortion = size_t{1} << 20;
constexpr std::string_view kTemporary = ".import-";

Status write_all(int file, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_error(path, "write", written < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

// Reads a file to its end, which must come after `bytes`, and hands each portion on.
Result<Blob> read_blob(const Descriptor& file, int64_t bytes, const std::string& path,
                       const Sink& sink, Meter& meter) {
  Sha256 sum;
  int64_t done = 0;
  std::vector<std::byte> buffer(kPortion);
  ::posix_fadvise(file.number(), 0, 0, POSIX_FADV_SEQUENTIAL);
  for (;;) {
    const ssize_t got = ::read(file.number(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(path, "read", errno);
    if (got == 0) break;
    const auto portion = std::span(buffer).first(static_cast<size_t>(got));
    sum.add(portion);
    if (sink) VERGE_RETURN_IF_ERROR(sink(portion));
    done += got;
    VERGE_RETURN_IF_ERROR(meter.advance(got));
  }
  if (done != bytes) {
    return make_error(Code::Conflict, "{}: changed while it was read; try again when it is whole",
                      path);
  }
  return Blob{sum.hex(), done};
}

bool share_blocks(int from, int to) {
  return ::ioctl(to, FICLONE, from) == 0;
}

// A clear word before the work rather than a full disk at its end.
Status check_room(int64_t bytes, const std::string& folder) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error || static_cast<uint64_t>(bytes) <= space.available) return {};
  constexpr double kMiB = 1 << 20;
  return make_error(Code::Io, "{}: disk full: needs {:.1f} MiB, {:.1f} are free; free some space",
                    folder, static_cast<double>(bytes) / kMiB,
                    static_cast<double>(space.available) / kMiB);
}

}  // namespace

StagedBlob::~StagedBlob() {
  if (file_.is_open() && !temporary_.empty()) ::unlink(temporary_.c_str());
}

Status StagedBlob::place() {
  const std::string path = Blobs(folder_).path(blob_.digest);
  std::error_code error;
  if (linked_ && Blobs(folder_).expect(blob_)) return {};  // what is there is as good, and private
  fs::create_directories(fs::path(path).parent_path(), error);
  if (error) return system_error(path, "write", error.value());
  if (::fsync(file_.number()) != 0 || ::rename(temporary_.c_str(), path.c_str()) != 0) {
    return system_error(path, "write", errno);
  }
  // Renaming a link to another link of the same file leaves both.
  if (!linked_) temporary_.clear();
  sync_folder(fs::path(path).parent_path());
  sync_folder(folder_);
  return {};
}

std::string Blobs::path(const std::string& digest) const {
  return folder_ + "/" + digest.substr(0, 2) + "/" + digest.substr(2);
}

// A sweep may remove the file between its creation and its lock; then it has no name any more, and
// another is made.
Status Blobs::create_temporary(StagedBlob& staged) const {
  for (;;) {
    staged.temporary_ = folder_ + "/" + std::string(kTemporary) + "XXXXXX";
    Descriptor file(::mkostemp(staged.temporary_.data(), O_CLOEXEC));
    if (!file.is_open()) return system_error(folder_, "write", errno);
    struct stat facts {};
    ::flock(file.number(), LOCK_EX);
    ::fchmod(file.number(), 0444);
    if (::fstat(file.number(), &facts) == 0 && facts.st_nlink == 0) continue;
    staged.file_ = std::move(file);
    return {};
  }
}

Status Blobs::link_temporary(StagedBlob& staged, const std::string& file) const {
  VERGE_RETURN_IF_ERROR(create_temporary(staged));
  const std::string link = staged.temporary_ + "-link";
  if (::linkat(AT_FDCWD, file.c_str(), AT_FDCWD, link.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    const int number = errno;
    if (number != EXDEV && number != EPERM && number != EOPNOTSUPP) {
      return system_error(file, "link", number);
    }
    return make_error(Code::Io, "{}: cannot be linked from {}; import it without --link", file,
                      folder_);
  }
  Descriptor opened(::open(link.c_str(), O_RDONLY | O_CLOEXEC));
  if (opened.is_open()) ::flock(opened.number(), LOCK_SH | LOCK_NB);
  ::unlink(staged.temporary_.c_str());
  staged.temporary_ = link;
  staged.linked_ = true;
  if (!opened.is_open()) return system_error(file, "read", errno);
  staged.file_ = std::move(opened);
  return {};
}

Result<StagedBlob> Blobs::stage(const std::string& file, How how, Meter& meter) const {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return system_error(folder_, "write", error.value());
  VERGE_TRY(const OpenFile source, open_to_read(file));
  StagedBlob staged;
  staged.folder_ = folder_;
  if (how == How::Link) {
    VERGE_RETURN_IF_ERROR(link_temporary(staged, file));
  } else {
    VERGE_RETURN_IF_ERROR(create_temporary(staged));
  }
  const Descriptor& own = staged.file_;
  if (how == How::Link || share_blocks(source.descriptor.number(), own.number())) {
    VERGE_TRY(staged.blob_, read_blob(own, source.bytes, file, {}, meter));
    return staged;
  }
  VERGE_RETURN_IF_ERROR(check_room(source.bytes, folder_));
  const auto copy = [&](auto bytes) { return write_all(own.number(), bytes, folder_); };
  VERGE_TRY(staged.blob_, read_blob(source.descriptor, source.bytes, file, copy, meter));
  return staged;
}

Status Blobs::expect(const Blob& blob) const {
  const std::string file = path(blob.digest);
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0) {
    if (errno != ENOENT) return system_error(file, "read", errno);
    return make_error(Code::NotFound, "{}: is missing; remove the model and import it again", file);
  }
  if (facts.st_size == blob.bytes) return {};
  return make_error(
      Code::Malformed,
      "{}: has {} bytes, not {}: it was altered; remove the model and import it again", file,
      static_cast<int64_t>(facts.st_size), blob.bytes);
}

Status Blobs::check(const Blob& blob, Meter& meter) const {
  return read(blob, {}, meter);
}

Status Blobs::copy_to(const std::string& target, const Blob& blob, Meter& meter) const {
  VERGE_TRY(AtomicFile out, AtomicFile::create(target));
  VERGE_RETURN_IF_ERROR(read(
      blob, [&](auto bytes) { return out.write(bytes); }, meter));
  return out.commit();
}

Status Blobs::read(const Blob& blob, const Sink& sink, Meter& meter) const {
  VERGE_RETURN_IF_ERROR(expect(blob));
  const std::string file = path(blob.digest);
  VERGE_TRY(const OpenFile opened, open_to_read(file));
  VERGE_TRY(const Blob found, read_blob(opened.descriptor, opened.bytes, file, sink, meter));
  if (found.digest == blob.digest) return {};
  return make_error(Code::Malformed,
                    "{}: its SHA-256 is {}: it was altered; remove the model and import it again",
                    file, found.digest);
}

int64_t Blobs::sweep(const std::set<std::string>& live) const {
  int64_t freed = 0;
  std::error_code error;
  const auto remove = [&](const fs::path& path) {
    struct stat facts {};
    const bool known = ::stat(path.c_str(), &facts) == 0;
    if (::unlink(path.c_str()) == 0 && known && facts.st_nlink == 1) freed += facts.st_size;
  };
  std::vector<fs::path> dead;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string prefix = entry.path().filename();
    if (prefix.starts_with(kTemporary)) {
      const Descriptor file(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
      const bool abandoned = file.is_open() && ::flock(file.number(), LOCK_EX | LOCK_NB) == 0;
      if (abandoned) remove(entry.path());  // still locked, so that its maker sees it gone
      continue;
    }
    std::error_code no_folder;
    for (const auto& file : fs::directory_iterator(entry.path(), no_folder)) {
      if (!live.contains(prefix + file.path().filename().string())) dead.push_back(file.path());
    }
  }
  for (const fs::path& path : dead) {
    remove(path);
    fs::remove(path.parent_path(), error);  // if now empty
  }
  return freed;
}

}  // namespace verge::store
