#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/runtime/weight_stream.hpp>

#include "eventually.hpp"
#include "memory_ranges.hpp"

namespace verge::runtime {
namespace {

constexpr int64_t kPiece = 64;

class Stream : public testing::Test {
 protected:
  static std::vector<std::byte> numbered() {
    std::vector<std::byte> bytes;
    for (int i = 0; i < 256; ++i) bytes.insert(bytes.end(), kPiece, static_cast<std::byte>(i));
    return bytes;
  }
  // Piece i holds the byte i; those of two ranges i and i + 100.
  StreamPiece piece(int i, bool two = false) const {
    const auto at = [&](int n, int64_t bytes) {
      return FileRange{file_, static_cast<uint64_t>(n * kPiece), bytes};
    };
    if (two) return {{at(i, kPiece / 2), at(i + 100, kPiece / 2)}};
    return {{at(i, kPiece)}};
  }
  StreamRing ring(int first, int count) const {
    StreamRing pieces;
    for (int i = first; i < first + count; ++i) pieces.push_back(piece(i, i % 3 == 0));
    return pieces;
  }
  void expect_piece(WeightStream& stream, int i) {
    const auto ranges = stream.acquire();
    ASSERT_TRUE(ranges.ok()) << ranges.error().message;
    ASSERT_EQ(ranges->size(), i % 3 == 0 ? 2u : 1u);
    EXPECT_EQ((*ranges)[0][0], static_cast<std::byte>(i));
    if (i % 3 == 0) {
      EXPECT_EQ((*ranges)[1][kPiece / 2 - 1], static_cast<std::byte>(i + 100));
    }
    stream.release();
  }
  void wait_for_reads(int64_t reads) {
    EXPECT_TRUE(test::eventually([&] { return file_->reads() >= reads; }));
  }

  std::shared_ptr<test::MemoryRanges> file_ = std::make_shared<test::MemoryRanges>(numbered());
};

TEST_F(Stream, GivesThePiecesInTheirOrderRoundAndRound) {
  for (const int64_t slots : {1, 2, 3, 7}) {
    WeightStream stream({slots, kPiece});
    const auto pieces = stream.share(ring(0, 5));
    for (int run = 0; run < 4; ++run) {
      stream.follow(pieces);
      for (int i = 0; i < 5; ++i) expect_piece(stream, i);
    }
    EXPECT_GE(stream.totals().bytes, 4 * 5 * kPiece);
  }
}

// Beyond the end of a run, too; and nothing is read twice.
TEST_F(Stream, ReadsAheadAsFarAsThereAreSlots) {
  for (int64_t slots = 1; slots <= 5; ++slots) {
    file_ = std::make_shared<test::MemoryRanges>(numbered());
    const StreamRing pieces = {piece(1), piece(2), piece(4)};
    int64_t released = 0;
    {
      WeightStream stream({slots, kPiece});
      const auto ring = stream.share(pieces);
      for (int run = 0; run < 3; ++run) {
        stream.follow(ring);
        for (const int i : {1, 2, 4}) {
          wait_for_reads(released + slots);
          expect_piece(stream, i);
          ++released;
        }
      }
      wait_for_reads(released + slots);
    }  // nobody reads any more
    std::vector<uint64_t> expected, read = file_->offsets();
    for (int64_t i = 0; i < released + slots; ++i) {
      expected.push_back(pieces[static_cast<size_t>(i % 3)].ranges[0].offset);
    }
    std::ranges::sort(expected);
    std::ranges::sort(read);
    EXPECT_EQ(read, expected) << slots << " slots";
  }
}

TEST_F(Stream, GoesOverToAnotherRing) {
  WeightStream stream({3, kPiece});
  const auto one = stream.share(ring(0, 4)), same = stream.share(ring(0, 4));
  const auto other = stream.share(ring(10, 4));
  EXPECT_EQ(one, same);
  EXPECT_NE(one, other);
  for (int turn = 0; turn < 20; ++turn) {
    const bool is_one = turn % 3 != 0;
    stream.follow(is_one ? one : other);
    const int pieces = turn % 5 == 4 ? 2 : 4;  // some runs end half-way
    for (int i = 0; i < pieces; ++i) expect_piece(stream, (is_one ? 0 : 10) + i);
  }
}

TEST_F(Stream, FailsUntilTheNextRun) {
  const auto broken = std::make_shared<test::MemoryRanges>(numbered());
  broken->fail(0, 1);
  StreamPiece last = piece(4);
  last.ranges[0].file = broken;
  WeightStream stream({2, kPiece});
  const auto pieces = stream.share({piece(1), piece(2), last});
  stream.follow(pieces);
  expect_piece(stream, 1);
  expect_piece(stream, 2);
  for (int i = 0; i < 2; ++i) {
    const auto failed = stream.acquire();
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().code, Code::Io);
  }
  stream.follow(pieces);
  for (const int i : {1, 2, 4}) expect_piece(stream, i);
}

// Of pieces that a run may not need, those it does are read, once it has said so.
TEST_F(Stream, ReadsOfOptionalPiecesWhatIsChosen) {
  WeightStream stream({3, kPiece});
  StreamRing pieces = ring(1, 8);  // 1 needed, 2 3 4 optional, 5 6 needed, 7 8 optional
  for (const size_t i : {1, 2, 3, 6, 7}) pieces[i].is_optional = true;
  const auto shared = stream.share(pieces);
  Rng rng(3);
  int64_t read = 0;
  for (int run = 0; run < 60; ++run) {
    stream.follow(shared);
    const auto pass = [&](int first, int count) {
      std::vector<uint8_t> needed;
      for (int i = 0; i < count; ++i) needed.push_back(static_cast<uint8_t>(rng.below(2)));
      stream.choose(needed);
      for (int i = 0; i < count; ++i) {
        if (needed[static_cast<size_t>(i)] == 0) {
          stream.skip();
        } else {
          expect_piece(stream, first + i);
          read += kPiece;
        }
      }
    };
    expect_piece(stream, 1);
    pass(2, 3);
    if (run % 10 == 9) continue;  // stopped
    expect_piece(stream, 5);
    expect_piece(stream, 6);
    pass(7, 2);
    read += 3 * kPiece;
  }
  // Of each of the six stopped runs, at most the slots were read for nothing.
  EXPECT_GE(stream.totals().bytes, read);
  EXPECT_LE(stream.totals().bytes, read + 7 * 4 * kPiece);
}

TEST_F(Stream, AWaitIsCancelled) {
  file_->allow(0);
  WeightStream stream({1, kPiece});
  const auto ring = stream.share({piece(1)});
  stream.follow(ring);
  std::atomic<bool> cancel = false;
  std::thread other([&] { cancel = true; });
  const auto stopped = stream.acquire(&cancel);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, Code::Cancelled);
  other.join();
  EXPECT_EQ(stream.acquire().error().code, Code::Cancelled) << "until the next run";
  file_->allow(-1);  // the thread that reads can end
  stream.follow(ring);
  expect_piece(stream, 1);
}

// What a cancelled run chose must not be read as the choice of the next.
TEST_F(Stream, ACancelledRunsChoicesEndWithIt) {
  file_->allow(0);
  WeightStream stream({1, kPiece});
  StreamRing pieces = {piece(1), piece(2)};
  for (StreamPiece& optional : pieces) optional.is_optional = true;
  const auto ring = stream.share(pieces);
  stream.follow(ring);
  stream.choose(std::vector<uint8_t>{1, 0});
  const std::atomic<bool> cancel = true;
  ASSERT_FALSE(stream.acquire(&cancel).ok());
  file_->allow(-1);
  stream.follow(ring);
  stream.choose(std::vector<uint8_t>{0, 1});
  stream.skip();
  expect_piece(stream, 2);
}

// What is being read for one ring when another is followed must not pass for its first piece.
TEST_F(Stream, DropsWhatIsReadForARingThatIsLeft) {
  for (const int64_t slots : {1, 2, 6}) {
    file_ = std::make_shared<test::MemoryRanges>(numbered());
    file_->allow(0);
    WeightStream stream({slots, kPiece});
    stream.follow(stream.share({piece(1), piece(2)}));
    ASSERT_TRUE(test::eventually([&] { return file_->begun() > 0; }));
    stream.follow(stream.share({piece(4), piece(5)}));
    file_->allow(-1);
    expect_piece(stream, 4);
    expect_piece(stream, 5);
    const auto read = file_->offsets();
    EXPECT_GE(std::ranges::count(read, uint64_t{1 * kPiece}), 1) << "it was being read";
  }
}

// Several pieces are read at once: one that comes late keeps its place.
TEST_F(Stream, KeepsTheOrderWhicheverIsReadFirst) {
  const auto slow = std::make_shared<test::MemoryRanges>(numbered());
  slow->allow(0);
  StreamPiece late = piece(1);
  late.ranges[0].file = slow;
  WeightStream stream({4, kPiece});
  stream.follow(stream.share({late, piece(2), piece(4)}));
  wait_for_reads(2);  // while the first waits
  slow->allow(-1);
  for (const int i : {1, 2, 4}) expect_piece(stream, i);
}

// A failure behind a piece that is still being read comes after it.
TEST_F(Stream, FailsNoSoonerThanWhereItIs) {
  const auto slow = std::make_shared<test::MemoryRanges>(numbered());
  slow->allow(0);
  StreamPiece late = piece(1);
  late.ranges[0].file = slow;
  file_->fail(0, 1);
  WeightStream stream({2, kPiece});
  const auto ring = stream.share({late, piece(2)});
  stream.follow(ring);
  wait_for_reads(1);
  slow->allow(-1);
  expect_piece(stream, 1);
  EXPECT_EQ(stream.acquire().error().code, Code::Io);
  stream.follow(ring);
  expect_piece(stream, 1);
  expect_piece(stream, 2);
}

TEST_F(Stream, EndsWhileItReads) {
  for (int i = 0; i < 50; ++i) {
    WeightStream stream({2, kPiece});
    stream.follow(stream.share(ring(0, 3)));
    if (i % 2 == 0) expect_piece(stream, 0);
  }
}

TEST_F(Stream, RefusesAPieceThatIsTooLarge) {
  WeightStream stream({1, kPiece - 1});
  EXPECT_THROW(stream.share({piece(1)}), InternalError);
  EXPECT_THROW(stream.release(), InternalError);
}

}  // namespace
}  // namespace verge::runtime
