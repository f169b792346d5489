#include <verge/core/result.hpp>
#include <verge/engine/kernels/packed_layout.hpp>

namespace verge::kernels {
namespace {

// Offsets: the block structures of GGUF, see engine/quant/blocks.hpp.
//   type, block size and bytes | lone scale at, 16 of them | words at, bytes, unit | fifth bits
constexpr PackedLayout kLayouts[] = {
    {DType::F32, 1, 4, 0, 0, 0, 4, 4, -1},
    {DType::F16, 1, 2, 0, 0, 0, 2, 2, -1},
    {DType::BF16, 2, 4, 0, 0, 0, 4, 4, -1},
    {DType::Q4_0, 32, 18, 0, 32, 2, 16, 4, -1},
    {DType::Q4_1, 32, 20, 0, 0, 0, 20, 4, -1},
    {DType::Q5_0, 32, 22, 0, 32, 2, 20, 4, 0},
    {DType::Q5_1, 32, 24, 0, 0, 0, 24, 4, 1},
    {DType::Q8_0, 32, 34, 0, 32, 2, 32, 4, -1},
    {DType::IQ4_NL, 32, 18, 0, 32, 2, 16, 4, -1},
    {DType::Q2_K, 256, 84, 0, 0, 0, 84, 4, -1},
    {DType::Q3_K, 256, 110, 108, 32, 0, 108, 4, -1},
    {DType::Q4_K, 256, 144, 0, 0, 0, 144, 4, -1},
    {DType::Q5_K, 256, 176, 0, 0, 0, 176, 4, -1},
    {DType::Q6_K, 256, 210, 208, 32, 0, 208, 4, -1},
    {DType::IQ4_XS, 256, 136, 0, 0, 0, 136, 4, -1},
    {DType::TQ2_0, 256, 66, 64, 32, 0, 64, 4, -1},
};

}  // namespace

const PackedLayout* find_layout(DType dtype) {
  for (const PackedLayout& layout : kLayouts) {
    if (layout.dtype == dtype) return &layout;
  }
  return nullptr;
}

const PackedLayout& layout_of(DType dtype) {
  const PackedLayout* layout = find_layout(dtype);
  VERGE_CHECK(layout != nullptr, name(dtype));
  return *layout;
}

}  // namespace verge::kernels
