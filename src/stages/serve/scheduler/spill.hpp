#pragma once
// SpillStore: where a sequence's pages go while others need the room, and from where they come back
// bit for bit; their content is checked when it returns.

#include <verge/engine/runtime/sequence.hpp>
#include <verge/stages/serve/scheduler/spill_room.hpp>

namespace verge::serve {

/// One sequence put aside; gives its room back when destroyed. Must not outlive its store.
class Spill {
 public:
  int64_t length() const { return static_cast<int64_t>(tokens_.size()); }
  int64_t bytes() const { return pages_->bytes(); }

 private:
  friend class SpillStore;
  std::vector<int32_t> tokens_;
  std::unique_ptr<Spilled> pages_;
  uint64_t checksum_ = 0;
};

/// The engine's thread.
class SpillStore {
 public:
  /// `folder` "": nothing beyond memory.
  SpillStore(int64_t memory_bytes, std::string folder) : room_(memory_bytes, std::move(folder)) {}

  /// A copy of the sequence's tokens and pages. Fails with OutOfMemory where there is no folder and
  /// no memory left, Io for a folder that cannot be written or a full disk; then nothing is kept.
  Result<std::unique_ptr<Spill>> put(const runtime::Sequence& sequence);
  /// Fills an empty sequence of the same decoder. Fails with OutOfMemory when the pool lacks pages,
  /// Io or Malformed when a file cannot be read or has changed; then the sequence stays empty.
  Status restore(const Spill& spill, runtime::Sequence& sequence);

  int64_t bytes() const { return room_.bytes(); }

 private:
  Status read_pages(const Spill& spill, runtime::Sequence& sequence);

  SpillRoom room_;
};

}  // namespace verge::serve
