#pragma once
// AtomicFolder: a new folder that appears under its name whole or not at all. What a process that
// was killed leaves, the next writer of the same folder removes.
//
//   VERGE_TRY(AtomicFolder folder, AtomicFolder::create("model"));
//   VERGE_RETURN_IF_ERROR(write_into(folder.path()));
//   return folder.commit();

#include <string>

#include <verge/core/descriptor.hpp>

namespace verge {

class AtomicFolder {
 public:
  /// Conflict when `path` exists; Io when its parent is missing or not writable.
  static Result<AtomicFolder> create(const std::string& path);

  ~AtomicFolder();
  AtomicFolder(AtomicFolder&& other) noexcept;
  AtomicFolder& operator=(AtomicFolder&& other) noexcept;

  /// Where to write until commit(): beside the name it will have.
  const std::string& path() const { return temporary_; }
  /// Renames and syncs the parent. What is in it should be synced already, as AtomicFile does.
  Status commit();

 private:
  AtomicFolder() = default;

  std::string path_;
  std::string temporary_;  // empty: committed
  Descriptor kept_;        // from sweeps
};

}  // namespace verge
