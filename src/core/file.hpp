#pragma once
// Files: read by mapping, written whole or not at all. Errors name the path and the remedy.
//
//   VERGE_TRY(MappedFile file, MappedFile::open("model.gguf"));
//   file.advise(Advice::Sequential, 0, file.size());
//   VERGE_TRY(AtomicFile out, AtomicFile::create("copy.gguf"));
//   VERGE_RETURN_IF_ERROR(out.write(file.bytes()));
//   VERGE_RETURN_IF_ERROR(out.commit());   // until here, the old copy.gguf is untouched
//
// A MappedFile may be read by many threads. A file that another process cuts while it is mapped
// raises SIGBUS on access, as for every mapping: writers must rename, as AtomicFile does.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/result.hpp>

namespace verge {

/// What the kernel should expect of a range of a mapping (madvise).
enum class Advice { Normal, Sequential, Random, WillNeed, DontNeed };

/// A whole file, read-only in memory, paged in on demand. Movable; unmaps when destroyed.
class MappedFile {
 public:
  /// Fails with NotFound, or Io for a folder, missing rights or a device; an empty file is
  /// Malformed.
  static Result<MappedFile> open(const std::string& path);

  MappedFile() = default;
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  size_t size() const { return size_; }
  const std::string& path() const { return path_; }
  /// A hint for bytes [offset, offset + length), widened to whole pages and cut to the file.
  /// DontNeed gives the pages back; they are read again when touched. Random also keeps pages
  /// small, so that what is resident stays near what was touched.
  void advise(Advice advice, size_t offset, size_t length) const;

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::string path_;
};

/// Who may read and write a file that was not there before: whom the umask lets, or its owner
/// alone. One that is replaced keeps its rights.
enum class Rights { Usual, OwnerOnly };

/// A file that appears under its name only when complete: written under a temporary name in the
/// same folder, synced, then renamed over the old one. Destroyed without commit() it leaves no
/// trace; of a process that was killed, the next writer of the same file removes it.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::string& path, Rights rights = Rights::Usual);

  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;

  /// Appends. A full disk is Io, "disk full"; after any error only destruction makes sense.
  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text);
  /// Overwrites earlier bytes, for counts known only at the end; does not move the end.
  Status write_at(uint64_t offset, std::span<const std::byte> bytes);
  uint64_t size() const { return size_; }
  /// Syncs, renames, syncs the folder. The file is closed afterwards, whatever the result.
  Status commit();

 private:
  AtomicFile() = default;
  void discard();

  int descriptor_ = -1;
  uint64_t size_ = 0;
  std::string path_;
  std::string temporary_;
};

/// Writes `text` as an AtomicFile: the whole of it, or the old file stays. Errors as there.
Status write_whole_file(const std::string& path, std::string_view text,
                        Rights rights = Rights::Usual);

/// The content of a small file; more than `limit` bytes is Unsupported and reads nothing.
Result<std::string> read_whole_file(const std::string& path, size_t limit);

}  // namespace verge
