#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <verge/core/direct_file.hpp>

namespace verge {
namespace {

constexpr int64_t kPage = RangeReader::kPage;

// Whether a descriptor opened for direct reads can make them: some file systems say so only then.
bool reads_directly(int descriptor) {
  alignas(RangeReader::kPage) std::byte page[RangeReader::kPage];
  return ::pread(descriptor, page, sizeof(page), 0) >= 0;
}

Error cut_off(const std::string& path, uint64_t offset, int64_t bytes, int64_t got) {
  return make_error(Code::Io,
                    "{}: {} of {} bytes at {}: the file was cut off while in use; restore it and "
                    "try again",
                    path, got, bytes, offset);
}

}  // namespace

// Mapped, not of the heap, which would keep what is given back. The page before holds the length.
void PageBuffer::Free::operator()(std::byte* memory) const {
  int64_t length = 0;
  std::memcpy(&length, memory - kPage, sizeof(length));
  ::munmap(memory - kPage, static_cast<size_t>(length));
}

PageBuffer::PageBuffer(int64_t bytes) : bytes_((bytes + kPage - 1) / kPage * kPage) {
  const int64_t length = bytes_ + kPage;
  void* memory = ::mmap(nullptr, static_cast<size_t>(length), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  std::memcpy(memory, &length, sizeof(length));
  memory_.reset(static_cast<std::byte*>(memory) + kPage);
}

Result<std::shared_ptr<const DirectFile>> DirectFile::open(const std::string& path) {
  VERGE_TRY(OpenFile opened, open_to_read(path));
  bool is_direct = false;
#if defined(O_DIRECT)
  Descriptor direct(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
  is_direct = direct.is_open() && reads_directly(direct.number());
  if (is_direct) opened.descriptor = std::move(direct);
#endif
  return std::shared_ptr<const DirectFile>(
      new DirectFile(std::move(opened.descriptor), path, opened.bytes, is_direct));
}

Result<const std::byte*> DirectFile::read(uint64_t offset, int64_t bytes,
                                          std::span<std::byte> room) const {
  VERGE_CHECK(static_cast<int64_t>(room.size()) >= room_for(bytes), room.size(), bytes);
  const uint64_t first = offset / kPage * kPage;
  const auto skipped = static_cast<int64_t>(offset - first);
  const int64_t pages = (skipped + bytes + kPage - 1) / kPage * kPage;
  int64_t done = 0;
  while (true) {  // the last page may lie beyond the end of the file
    const ssize_t got =
        ::pread(descriptor_.number(), room.data() + done, static_cast<size_t>(pages - done),
                static_cast<off_t>(first) + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(path_, "read", errno);
    const int64_t before = std::exchange(done, done + got);
    if (got == 0 || done >= skipped + bytes) break;
    // A direct read goes on at a whole page; where that is no progress, the file has ended.
    if (is_direct_ && done / kPage * kPage <= before) break;
    if (is_direct_) done = done / kPage * kPage;
  }
  if (!is_direct_) {
    ::posix_fadvise(descriptor_.number(), static_cast<off_t>(first), pages, POSIX_FADV_DONTNEED);
  }
  if (done < skipped + bytes) return cut_off(path_, offset, bytes, done - skipped);
  return static_cast<const std::byte*>(room.data()) + skipped;
}

}  // namespace verge
