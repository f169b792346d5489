#pragma once
// SpillStore: where a sequence's pages go while others need the room, and from where they come back
// bit for bit. In memory up to a limit, then in files without names in a folder; their content is
// checked when it returns.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <verge/core/scratch_file.hpp>
#include <verge/engine/runtime/sequence.hpp>

namespace verge::serve {

class SpillStore;

/// One sequence put aside; gives its room back when destroyed. Must not outlive its store.
class Spill {
 public:
  Spill(SpillStore& store, std::vector<int32_t> tokens)
      : store_(store), tokens_(std::move(tokens)) {}
  ~Spill();
  Spill(const Spill&) = delete;
  Spill& operator=(const Spill&) = delete;

  int64_t length() const { return static_cast<int64_t>(tokens_.size()); }
  int64_t bytes() const { return bytes_; }

 private:
  friend class SpillStore;
  SpillStore& store_;
  std::vector<int32_t> tokens_;
  std::vector<std::byte> memory_;
  std::optional<ScratchFile> file_;
  uint64_t checksum_ = 0;
  int64_t bytes_ = 0;  // that the store counts
};

/// The engine's thread.
class SpillStore {
 public:
  /// `folder` "": nothing beyond memory.
  SpillStore(int64_t memory_bytes, std::string folder)
      : memory_limit_(memory_bytes), folder_(std::move(folder)) {}

  /// A copy of the sequence's tokens and pages. Fails with OutOfMemory where there is no folder and
  /// no memory left, Io for a folder that cannot be written or a full disk; then nothing is kept.
  Result<std::unique_ptr<Spill>> put(const runtime::Sequence& sequence);
  /// Fills an empty sequence of the same decoder. Fails with OutOfMemory when the pool lacks pages,
  /// Io or Malformed when a file cannot be read or has changed; then the sequence stays empty.
  Status restore(const Spill& spill, runtime::Sequence& sequence);

  int64_t bytes() const { return memory_bytes_ + file_bytes_; }

 private:
  friend class Spill;
  Status fill(Spill& spill, const runtime::Sequence& sequence);
  Status read_pages(const Spill& spill, runtime::Sequence& sequence);

  int64_t memory_limit_;
  std::string folder_;
  int64_t memory_bytes_ = 0;
  int64_t file_bytes_ = 0;
};

}  // namespace verge::serve
