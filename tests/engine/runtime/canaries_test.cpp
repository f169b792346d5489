#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include <verge/core/result.hpp>
#include <verge/core/tensor.hpp>
#include <verge/engine/runtime/canaries.hpp>

namespace verge::runtime {
namespace {

class Canaries : public testing::Test {
 protected:
  void SetUp() override {
    for (const int64_t bytes : {64, 20, 128}) memory_.buffers.push_back({"b", bytes, 0, 0, 0});
    spread_buffers(memory_);
    arena_ = allocate_aligned(static_cast<size_t>(memory_.arena_bytes));
    poison_arena(arena_.get(), memory_);
  }
  graph::MemoryPlan memory_;
  AlignedBuffer arena_;
};

TEST_F(Canaries, BuffersAreApartAlignedAndNan) {
  int64_t end = 0;
  for (const graph::Buffer& buffer : memory_.buffers) {
    EXPECT_EQ(buffer.offset % 64, 0);
    EXPECT_GE(buffer.offset, end + 64);
    end = buffer.offset + buffer.bytes;
    float first = 0;
    std::memcpy(&first, arena_.get() + buffer.offset, sizeof(first));
    EXPECT_TRUE(std::isnan(first));
  }
  EXPECT_GE(memory_.arena_bytes, end + 64);
}

TEST_F(Canaries, EveryGuardByteCounts) {
  EXPECT_NO_THROW(check_guards(arena_.get(), memory_));
  for (const graph::Buffer& buffer : memory_.buffers) {
    for (const int64_t at : {buffer.offset - 1, buffer.offset + buffer.bytes}) {
      const std::byte kept = arena_[static_cast<size_t>(at)];
      arena_[static_cast<size_t>(at)] = std::byte{0};
      EXPECT_THROW(check_guards(arena_.get(), memory_), InternalError);
      arena_[static_cast<size_t>(at)] = kept;
    }
  }
}

}  // namespace
}  // namespace verge::runtime
