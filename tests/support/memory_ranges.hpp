#pragma once
// A file in memory that tests can make slow, or fail.

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <verge/core/direct_file.hpp>

namespace verge::test {

class MemoryRanges : public RangeReader {
 public:
  explicit MemoryRanges(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

  Result<const std::byte*> read(uint64_t offset, int64_t bytes,
                                std::span<std::byte> room) const override {
    {
      std::unique_lock lock(mutex_);
      ++begun_;
      opened_.wait(lock, [this] { return reads_left_ != 0; });
      if (reads_left_ > 0) --reads_left_;
    }
    const int64_t number = note(offset);
    if (number >= fails_from_ && number < fails_to_) {
      return make_error(Code::Io, "weights: cannot read at {}: I/O error", offset);
    }
    if (offset + static_cast<uint64_t>(bytes) > bytes_.size()) {
      return make_error(Code::Io, "weights: the file ends before {}", offset);
    }
    std::memcpy(room.data(), bytes_.data() + offset, static_cast<size_t>(bytes));
    return static_cast<const std::byte*>(room.data());
  }

  int64_t reads() const { return static_cast<int64_t>(offsets().size()); }
  /// Of reads that have been let happen, in their order.
  std::vector<uint64_t> offsets() const {
    const std::lock_guard lock(mutex_);
    return offsets_;
  }
  /// Reads that have begun, also those that wait.
  int64_t begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }
  /// Reads numbered [from, to) fail, from the first one ever.
  void fail(int64_t from, int64_t to) {
    fails_to_ = 0;
    fails_from_ = from;
    fails_to_ = to;
  }
  /// Lets so many more reads happen and makes others wait; all of them again with -1.
  void allow(int64_t reads) {
    const std::lock_guard lock(mutex_);
    reads_left_ = reads;
    opened_.notify_all();
  }

 private:
  int64_t note(uint64_t offset) const {
    const std::lock_guard lock(mutex_);
    offsets_.push_back(offset);
    return static_cast<int64_t>(offsets_.size()) - 1;
  }

  std::vector<std::byte> bytes_;
  std::atomic<int64_t> fails_from_{0}, fails_to_{0};
  mutable std::mutex mutex_;
  mutable std::condition_variable opened_;
  mutable int64_t reads_left_ = -1, begun_ = 0;
  mutable std::vector<uint64_t> offsets_;
};

}  // namespace verge::test
