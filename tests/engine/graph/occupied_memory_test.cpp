#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/occupied_memory.hpp>

namespace verge::graph {
namespace {

TEST(OccupiedMemory, JoinsWhatTouches) {
  OccupiedMemory memory(5);
  memory.place({64, 128}, 0, 2);
  memory.place({128, 192}, 1, 4);
  memory.place({256, 320}, 2, 2);
  EXPECT_EQ(memory.taken(0, 0), (std::vector<ByteRange>{{64, 128}}));
  EXPECT_EQ(memory.taken(0, 1), (std::vector<ByteRange>{{64, 192}}));
  EXPECT_EQ(memory.taken(2, 3), (std::vector<ByteRange>{{64, 192}, {256, 320}}));
  EXPECT_EQ(memory.taken(3, 4), (std::vector<ByteRange>{{128, 192}}));
}

TEST(OccupiedMemory, AgreesWithAListOfBuffers) {
  struct Placed {
    ByteRange bytes;
    int64_t first, last;
  };
  Rng rng(1);
  const int64_t times = 37;
  OccupiedMemory memory(times);
  std::vector<Placed> placed;
  for (int i = 0; i < 200; ++i) {
    const int64_t first = rng.below(static_cast<uint32_t>(times));
    const int64_t last = first + rng.below(static_cast<uint32_t>(times - first));
    std::vector<bool> taken(60);
    for (const Placed& other : placed) {
      if (other.first > last || first > other.last) continue;
      std::fill(taken.begin() + other.bytes.begin, taken.begin() + other.bytes.end, true);
    }
    std::vector<bool> found(60);
    for (const ByteRange& range : memory.taken(first, last)) {
      std::fill(found.begin() + range.begin, found.begin() + range.end, true);
    }
    ASSERT_EQ(found, taken) << i;
    const int64_t begin = static_cast<int64_t>(rng.below(50));
    placed.push_back({{begin, begin + 1 + static_cast<int64_t>(rng.below(9))}, first, last});
    memory.place(placed.back().bytes, first, last);
  }
}

}  // namespace
}  // namespace verge::graph
