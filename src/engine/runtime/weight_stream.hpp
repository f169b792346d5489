#pragma once
// WeightStream: weights that do not fit in memory pass through a window of a few slots. Threads of
// its own read them, piece after piece in the order in which a plan will ask for them, as far
// ahead as there are free slots, and from the last piece of one run on into the first of the next.
// Li et al. 2024 (TPI-LLM, arXiv 2410.00531, section 3.4), by pieces of matrices, not by blocks.
//
//   WeightStream stream({.slots = 2, .piece_bytes = 4 << 20});
//   const auto ring = stream.share({{{{file, 4096, 1 << 20}}}, ...});
//   stream.follow(ring);  // before each run
//   VERGE_TRY(auto ranges, stream.acquire(&cancel));  // of the next piece
//   ...
//   stream.release();
//
// One thread follows, acquires and releases.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/core/direct_file.hpp>
#include <verge/core/tensor.hpp>

namespace verge::runtime {

/// What one call of a kernel needs at a time.
struct StreamPiece {
  std::vector<FileRange> ranges;
  bool is_optional = false;  // each run says whether it needs it: an expert

  bool operator==(const StreamPiece&) const = default;
};
/// All of a run, in its order.
using StreamRing = std::vector<StreamPiece>;

struct StreamWindow {
  int64_t slots = 2;                         // pieces that are in memory at a time
  int64_t piece_bytes = int64_t{4} << 20;    // of the largest piece
  static constexpr int64_t kMostRanges = 2;  // of a piece

  int64_t slot_bytes() const { return piece_bytes + 2 * kMostRanges * RangeReader::kPage; }
  /// A piece in the layout of the kernels; each range begins at a cache line.
  int64_t packed_bytes() const { return piece_bytes + kMostRanges * 64; }
  int64_t bytes() const { return slots * slot_bytes() + packed_bytes(); }
};

/// Since the stream began.
struct StreamTotals {
  int64_t bytes = 0;  // that have been read
  double read_s = 0;  // while one was being read
  double wait_s = 0;  // that acquire() was waited for
};

class WeightStream {
 public:
  explicit WeightStream(StreamWindow window);
  WeightStream(const WeightStream&) = delete;
  WeightStream& operator=(const WeightStream&) = delete;

  /// The ring to follow; one for all that are equal, so that going from one to the other loses
  /// nothing of what has been read ahead. No piece may exceed the window.
  std::shared_ptr<const StreamRing> share(StreamRing ring);
  /// From now on acquire() gives this ring's pieces, from the first one on. What has been read
  /// ahead stays where the last run ended at a ring's end and this is the same.
  void follow(const std::shared_ptr<const StreamRing>& ring);
  /// Waits for the next piece: where each of its ranges begins, until release(). Fails with what
  /// reading failed with, or Cancelled within some milliseconds of `cancel`; then until the next
  /// follow().
  Result<std::span<const std::byte* const>> acquire(const std::atomic<bool>* cancel = nullptr);
  void release();

  /// Says of the optional pieces that come next, in their order, whether this run needs them.
  /// Nothing is read ahead of that. Those it does not need are not acquired but skipped.
  void choose(std::span<const uint8_t> needed);
  void skip();

  /// Room for one piece in the layout of the kernels, of all plans that follow the stream.
  std::byte* packed() const { return packed_.get(); }
  const StreamWindow& window() const { return window_; }
  StreamTotals totals() const;

 private:
  struct Slot {
    explicit Slot(const StreamWindow& window);
    PageBuffer room;
    std::vector<const std::byte*> ranges;
    bool is_busy = false;   // being read into
    bool is_ready = false;  // read, for this round
  };
  void work(const std::stop_token& stop);
  Slot& slot(int64_t piece) { return slots_[static_cast<size_t>(piece % window_.slots)]; }
  bool has_work() const;
  static Status load(const StreamPiece& piece, Slot& slot);

  const StreamWindow window_;
  AlignedBuffer packed_;
  std::vector<Slot> slots_;
  std::vector<std::shared_ptr<const StreamRing>> rings_;
  SystemClock clock_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable_any changed_;
  std::shared_ptr<const StreamRing> ring_;
  uint64_t round_ = 0;            // of following: what is read for an earlier one is dropped
  int64_t at_ = 0;                // the next piece to read of this round
  int64_t passed_ = 0;            // pieces released or skipped
  int64_t claimed_ = 0;           // pieces that took a slot
  int64_t released_ = 0;          // of them
  std::vector<uint8_t> choices_;  // of optional pieces, in their order
  size_t chosen_ = 0;             // of them
  std::optional<Error> error_;
  int reading_ = 0;  // threads, since
  double reading_since_s_ = 0;
  StreamTotals totals_;
  std::vector<std::jthread> loaders_;  // last: they use the rest, and end before it
};

}  // namespace verge::runtime
