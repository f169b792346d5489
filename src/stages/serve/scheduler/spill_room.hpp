#pragma once
// SpillRoom: where bytes go while others need the memory: in memory up to a limit, then in files
// without names in a folder, up to another.
//
//   auto spilled = room.open();
//   VERGE_RETURN_IF_ERROR(spilled->append(bytes));
//   VERGE_RETURN_IF_ERROR(spilled->read(0, back));

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <verge/core/scratch_file.hpp>

namespace verge::serve {

class SpillRoom;

/// Bytes put aside, of one owner; gives their room back when destroyed. Must not outlive its room.
class Spilled {
 public:
  Spilled(SpillRoom& room, int64_t expected_bytes);
  ~Spilled();
  Spilled(const Spilled&) = delete;
  Spilled& operator=(const Spilled&) = delete;

  /// What memory has no room for goes to a file with all that was there before. Fails with
  /// OutOfMemory beyond the limits, and nothing has changed; Io for a folder that cannot be
  /// written or a full disk, and only destruction makes sense.
  Status append(std::span<const std::byte> bytes);
  /// Fills `bytes` from `offset` on; they must have been appended. Fails with Io.
  Status read(uint64_t offset, std::span<std::byte> bytes) const;
  int64_t bytes() const { return bytes_; }

 private:
  Status move_to_file();
  SpillRoom& room_;
  std::vector<std::byte> memory_;
  std::optional<ScratchFile> file_;
  bool is_for_file_ = false;
  int64_t bytes_ = 0;  // that the room counts
};

/// One thread.
class SpillRoom {
 public:
  /// `folder` "": nothing beyond memory.
  SpillRoom(int64_t memory_bytes, std::string folder,
            int64_t file_bytes = std::numeric_limits<int64_t>::max())
      : memory_limit_(memory_bytes), folder_(std::move(folder)), file_limit_(file_bytes) {}

  /// `expected_bytes`: what will be appended at least; more than memory has room for goes to a file
  /// at once.
  std::unique_ptr<Spilled> open(int64_t expected_bytes = 0) {
    return std::make_unique<Spilled>(*this, expected_bytes);
  }
  const std::string& folder() const { return folder_; }
  int64_t bytes() const { return memory_bytes_ + file_bytes_; }

 private:
  friend class Spilled;
  int64_t memory_limit_;
  std::string folder_;
  int64_t file_limit_;
  int64_t memory_bytes_ = 0;
  int64_t file_bytes_ = 0;
};

}  // namespace verge::serve
