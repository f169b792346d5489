#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/attention.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"

namespace verge::kernels {
namespace {

TEST(KvAppend, RowsLandInTheirSlotsAndNothingElseChanges) {
  const KvLayout layout{DType::F32, 2, 3, 4};
  const int32_t first_pages[] = {2, 0};
  const int32_t second_pages[] = {3};
  // Positions 3..4 of one sequence (the second in its next page), position 0 of another.
  const KvSequence sequences[] = {{first_pages, 5, 0, 2}, {second_pages, 1, 2, 1}};
  const auto k = random_floats(3 * 8, 1);
  const auto v = random_floats(3 * 8, 2);
  for (Isa isa : machine_isas()) {
    std::vector<float> pool(4 * layout.page_bytes() / 4, -7.0f);
    on_two_workers([&](Worker& worker) {
      kv_append(isa, layout, pool.data(), sequences, 2, k.data(), 8, v.data(), 8, worker);
    });
    const int64_t places[][2] = {{2, 3}, {0, 0}, {3, 0}};  // page and slot of each row
    for (int64_t row = 0; row < 3; ++row) {
      for (int64_t i = 0; i < 6; ++i) {
        const auto [page, slot] = places[row];
        EXPECT_EQ(pool[layout.key_offset(page, i / 3, slot) / 4 + i % 3], k[row * 8 + i]);
        EXPECT_EQ(pool[layout.value_offset(page, i / 3, slot) / 4 + i % 3], v[row * 8 + i]);
      }
    }
    EXPECT_EQ(std::count(pool.begin(), pool.end(), -7.0f),
              static_cast<int64_t>(pool.size()) - 3 * 12);
  }
}

TEST(KvLayout, PagesFollowOneAnother) {
  const KvLayout layout{DType::Q8_0, 3, 64, 32};
  EXPECT_EQ(layout.row_bytes(), 68);
  EXPECT_EQ(layout.value_offset(0, 2, 31) + 68, layout.page_bytes());
  EXPECT_EQ(layout.key_offset(1, 0, 0), layout.page_bytes());
  EXPECT_EQ(layout.pages_for(0), 0);
  EXPECT_EQ(layout.pages_for(33), 2);
}

}  // namespace
}  // namespace verge::kernels
