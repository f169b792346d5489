#if defined(__aarch64__)
#include <arm_neon.h>

#include <verge/engine/kernels/simd/int8_rows.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::neon {
namespace {

// Of 16 levels at once: each is in one of four tables of 64, and leaves what others found.
void look_up(int64_t n, const uint8_t* table, const uint8_t* x, uint8_t* y) {
  const uint8x16x4_t part0 = vld1q_u8_x4(table), part1 = vld1q_u8_x4(table + 64);
  const uint8x16x4_t part2 = vld1q_u8_x4(table + 128), part3 = vld1q_u8_x4(table + 192);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const uint8x16_t level = vld1q_u8(x + i);
    uint8x16_t found = vqtbl4q_u8(part0, level);
    found = vqtbx4q_u8(found, part1, veorq_u8(level, vdupq_n_u8(64)));
    found = vqtbx4q_u8(found, part2, veorq_u8(level, vdupq_n_u8(128)));
    found = vqtbx4q_u8(found, part3, veorq_u8(level, vdupq_n_u8(192)));
    vst1q_u8(y + i, found);
  }
  look_up_int8_row(n - i, table, x + i, y + i);
}

}  // namespace

const Int8RowKernels kInt8Rows = with_look_up(kInt8RowLoops, look_up);

}  // namespace verge::kernels::neon
#endif
