#pragma once
// FileLock: one writer at a time, over threads and processes.

#include <string>

#include <verge/core/descriptor.hpp>

namespace verge {

/// Until destroyed, alone among those that lock the same folder (flock). A process that dies gives
/// it back; nothing stays behind.
class FileLock {
 public:
  /// Waits for the folder that `path` is in, or will be. NotFound for a folder that is not there;
  /// Io where its file system has no locks.
  static Result<FileLock> of_folder_of(const std::string& path);

 private:
  explicit FileLock(Descriptor folder) : folder_(std::move(folder)) {}
  Descriptor folder_;
};

}  // namespace verge
