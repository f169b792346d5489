#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/stat.h>

#include <verge/engine/model/unchanged_file.hpp>

namespace verge::model {
namespace {

// Of a file's content, without looking at it.
struct Stamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t bytes = 0;
  int64_t modified_s = 0;
  int64_t modified_ns = 0;

  bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(const struct stat& facts) {
  return {facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec};
}

class UnchangedFile final : public RangeReader {
 public:
  UnchangedFile(std::string path, std::shared_ptr<const DirectFile> file, Descriptor descriptor,
                const Stamp& stamp)
      : path_(std::move(path)),
        file_(std::move(file)),
        descriptor_(std::move(descriptor)),
        stamp_(stamp) {}

  Result<const std::byte*> read(uint64_t offset, int64_t bytes,
                                std::span<std::byte> room) const override {
    auto data = file_->read(offset, bytes, room);
    struct stat facts {};
    if (::fstat(descriptor_.number(), &facts) != 0) return system_error(path_, "read", errno);
    const Stamp now = stamp_of(facts);
    if (now == stamp_) return data;
    return make_error(Code::Io, "{}: was {} while in use; load the model again", path_,
                      now.bytes < stamp_.bytes ? "cut off" : "changed");
  }

 private:
  std::string path_;
  std::shared_ptr<const DirectFile> file_;
  Descriptor descriptor_;  // of the same file
  Stamp stamp_;
};

// Files of other models differ in their headers, those of the same model seldom in nothing else.
bool begins_alike(const MappedFile& mapped, const std::byte* data, int64_t bytes) {
  return std::memcmp(mapped.bytes().data(), data, static_cast<size_t>(bytes)) == 0;
}

}  // namespace

Result<std::shared_ptr<const RangeReader>> open_unchanged(const MappedFile& mapped) {
  constexpr int64_t kHeader = int64_t{64} << 10;
  const std::string& path = mapped.path();
  const Error replaced = make_error(
      Code::Conflict, "{}: was replaced while the model was loading; load it again", path);
  VERGE_TRY(OpenFile opened, open_to_read(path));
  VERGE_TRY(const std::shared_ptr<const DirectFile> file, DirectFile::open(path));
  struct stat facts {
  }, named{};
  if (::fstat(opened.descriptor.number(), &facts) != 0) return system_error(path, "read", errno);
  // Opened by name twice: both are the same if a third look finds it, too.
  const bool is_same = ::stat(path.c_str(), &named) == 0 && stamp_of(named) == stamp_of(facts);
  if (!is_same || opened.bytes != static_cast<int64_t>(mapped.size())) return replaced;
  const int64_t header = std::min(kHeader, opened.bytes);
  const PageBuffer room(RangeReader::room_for(header));
  VERGE_TRY(const std::byte* begin, file->read(0, header, room.span()));
  if (!begins_alike(mapped, begin, header)) return replaced;
  return std::shared_ptr<const RangeReader>(std::make_shared<const UnchangedFile>(
      path, file, std::move(opened.descriptor), stamp_of(facts)));
}

}  // namespace verge::model
