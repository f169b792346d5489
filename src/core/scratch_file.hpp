#pragma once
// ScratchFile: room on disk for what does not fit in memory. It has no name, so nothing is left of
// it when it is closed or the process is killed.
//
//   VERGE_TRY(ScratchFile file, ScratchFile::create(folder));
//   VERGE_RETURN_IF_ERROR(file.append(bytes));
//   VERGE_RETURN_IF_ERROR(file.read(0, back));

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <verge/core/descriptor.hpp>

namespace verge {

/// One thread at a time. Movable.
class ScratchFile {
 public:
  /// Fails with NotFound or Io when no file can be made in the folder.
  static Result<ScratchFile> create(const std::string& folder);

  /// Writes at the end. A full disk is Io; after an error only destruction makes sense.
  Status append(std::span<const std::byte> bytes);
  /// Fills `bytes` from `offset` on. Fails with Io, also where the file ends before.
  Status read(uint64_t offset, std::span<std::byte> bytes) const;
  uint64_t size() const { return size_; }

 private:
  ScratchFile(Descriptor descriptor, std::string folder)
      : descriptor_(std::move(descriptor)), folder_(std::move(folder)) {}

  Descriptor descriptor_;
  std::string folder_;  // for errors
  uint64_t size_ = 0;
};

}  // namespace verge
