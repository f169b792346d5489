#pragma once
// Reading ranges of a file past the page cache: what is read this way leaves nothing behind in
// memory but the caller's buffer, so that a memory ceiling counts all there is.
//
//   VERGE_TRY(const auto file, DirectFile::open("model.gguf"));
//   PageBuffer room(RangeReader::room_for(bytes));
//   VERGE_TRY(const std::byte* data, file->read(offset, bytes, room.span()));

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <verge/core/descriptor.hpp>
#include <verge/core/result.hpp>

namespace verge {

/// A file that many threads may read at once.
class RangeReader {
 public:
  /// Of the buffers that read() is given; a page of the smallest machines and of every disk.
  static constexpr int64_t kPage = 4096;
  /// What read() may need for `bytes` at any offset: whole pages around them.
  static constexpr int64_t room_for(int64_t bytes) {
    return (bytes + kPage - 1) / kPage * kPage + kPage;
  }

  virtual ~RangeReader() = default;
  /// Reads `bytes` from `offset` on into `room`, which begins at a multiple of kPage and has
  /// room_for(bytes); where in it they begin. Fails with Io, naming the file: also where the file
  /// ends before.
  virtual Result<const std::byte*> read(uint64_t offset, int64_t bytes,
                                        std::span<std::byte> room) const = 0;
};

/// Memory for read(), page by page: only what is used of it is resident.
class PageBuffer {
 public:
  explicit PageBuffer(int64_t bytes);
  std::span<std::byte> span() const { return {memory_.get(), static_cast<size_t>(bytes_)}; }

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  int64_t bytes_;
  std::unique_ptr<std::byte, Free> memory_;
};

class DirectFile final : public RangeReader {
 public:
  /// Fails as open_to_read. Where the file system refuses direct reads, ordinary ones are made and
  /// the pages given back after each.
  static Result<std::shared_ptr<const DirectFile>> open(const std::string& path);

  Result<const std::byte*> read(uint64_t offset, int64_t bytes,
                                std::span<std::byte> room) const override;
  bool is_direct() const { return is_direct_; }
  int64_t size() const { return size_; }

 private:
  DirectFile(Descriptor descriptor, std::string path, int64_t size, bool is_direct)
      : descriptor_(std::move(descriptor)),
        path_(std::move(path)),
        size_(size),
        is_direct_(is_direct) {}

  Descriptor descriptor_;
  std::string path_;
  int64_t size_;
  bool is_direct_;
};

/// Where bytes lie that are read when they are needed.
struct FileRange {
  std::shared_ptr<const RangeReader> file;
  uint64_t offset = 0;
  int64_t bytes = 0;

  bool operator==(const FileRange&) const = default;
};

}  // namespace verge
